// Streams, events and graphs.
#include <cstddef>
#include <deque>

#include "runtime.hpp"

using namespace pretext::tests::ptx;

namespace {

struct recorded_graph {
  std::deque<work> all;
};
struct event {
  queue* on = nullptr;
  std::size_t after = 0;
};
template <class To, class From>
To* as(From handle) {
  return reinterpret_cast<To*>(handle);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* made, unsigned) {
  return attempted([&] { *made = reinterpret_cast<cudaStream_t>(gpu::only().open_stream()); });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  gpu::only().attempt([&] { gpu::only().stream(stream).finish(); });
  gpu::only().close(as<queue>(stream));
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const auto wait = [&] { gpu::only().stream(stream).finish(); };
  return gpu::only().stream(stream).recording() ? outside_of_recordings(wait) : attempted(wait);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status =
      gpu::only().stream(stream).recording() ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* made, unsigned) {
  *made = reinterpret_cast<cudaEvent_t>(new event);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* made) { return cudaEventCreateWithFlags(made, 0); }
/// As if each piece of work took a millisecond.
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = static_cast<float>(as<event>(to)->after - as<event>(from)->after);
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t old) {
  delete as<event>(old);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t mark, cudaStream_t on) {
  queue& stream = gpu::only().stream(on);
  if (stream.recording()) return outside_of_recordings([] {});
  *as<event>(mark) = {&stream, stream.added()};
  return cudaSuccess;
}
cudaError_t cudaEventSynchronize(cudaEvent_t mark) {
  return outside_of_recordings([&] {
    if (const event& at = *as<event>(mark); at.on) at.on->finish(at.after);
  });
}

// Graphs.

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  gpu::only().stream(stream).begin_recording();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* made) {
  queue& on = gpu::only().stream(stream);
  auto* const graph = new recorded_graph{on.end_recording()};
  if (!on.broken()) return *made = reinterpret_cast<cudaGraph_t>(graph), cudaSuccess;
  delete graph;
  *made = nullptr;
  return said(cudaErrorStreamCaptureInvalidated);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* made, cudaGraph_t graph, unsigned long long) {
  *made = reinterpret_cast<cudaGraphExec_t>(new recorded_graph{*as<recorded_graph>(graph)});
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t on) {
  return attempted([&] {
    for (const work& each : as<recorded_graph>(graph)->all) gpu::only().stream(on).add(each);
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete as<recorded_graph>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete as<recorded_graph>(graph);
  return cudaSuccess;
}

}  // extern "C"
