#include "timed_work.hpp"

#include <pretext/core/expects.hpp>

namespace benchmarks {

step_to_check timed_work::check() { pretext::throw_error("this case has no weights to check"); }

std::span<const benchmark_case> all_cases() {
  static constexpr benchmark_case all[] = {
      {"simclr-resnet18", 512, simclr_resnet18}, {"simclr-resnet50", 256, simclr_resnet50},
      {"mae-vit-base", 256, mae_vit_base},       {"mae-vit-large", 256, mae_vit_large},
      {"augment-32", 512, augment_32},           {"augment-224", 256, augment_224},
      {"nt-xent-1024", 1024, nt_xent},           {"nt-xent-8192", 8192, nt_xent},
      {"lars-and-average", 1, lars_and_average}, {"attention-50", 256, attention},
  };
  return all;
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
