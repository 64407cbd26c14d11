#include "timed_work.hpp"

#include <pretext/core/expects.hpp>

#ifdef PRETEXT_CUDNN
#include <cudnn_graph.h>
#endif

namespace benchmarks {

step_to_check timed_work::check() { pretext::throw_error("this case has no step to check"); }

std::string convolution_library() {
#ifdef PRETEXT_CUDNN
  const std::size_t version = cudnnGetVersion();
  return pretext::str_cat("cuDNN ", version / 10000, ".", version / 100 % 100, ".", version % 100);
#else
  return "our own";
#endif
}

double milliseconds_of(timed_work& work, int times) {
  using pretext::detail::expects_success;
  struct event {
    cudaEvent_t at = nullptr;
    event() { expects_success(cudaEventCreate(&at), "creating an event"); }
    ~event() { cudaEventDestroy(at); }
  } begin, end;
  const cudaStream_t on = work.stream().native();
  expects_success(cudaEventRecord(begin.at, on), "recording an event");
  work.run(times);
  expects_success(cudaEventRecord(end.at, on), "recording an event");
  work.finish();
  expects_success(cudaEventSynchronize(end.at), "waiting for an event");
  float milliseconds = 0;
  expects_success(cudaEventElapsedTime(&milliseconds, begin.at, end.at), "reading an event");
  return static_cast<double>(milliseconds) / times;
}

}  // namespace benchmarks
