// Streams, events and graphs.
#include <cstddef>
#include <deque>

#include "runtime.hpp"

using namespace pretext::tests::ptx;

namespace {

struct captured_graph {
  std::deque<timed_work> all;
};
struct event {
  queue* on = nullptr;
  std::size_t after = 0;
  bool captured = false;
  float time = 0;
};
template <class To, class From>
To* as(From handle) {
  return reinterpret_cast<To*>(handle);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* result, unsigned) {
  if (!gpu::instance().take()) return set_last_error(cudaErrorMemoryAllocation);
  return try_work([&] { *result = reinterpret_cast<cudaStream_t>(gpu::instance().open_stream()); });
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  gpu::instance().attempt([&] { gpu::instance().stream(stream).finish(); });
  gpu::instance().close(as<queue>(stream));
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const auto wait = [&] { gpu::instance().stream(stream).finish(); };
  return gpu::instance().stream(stream).capturing() ? outside_of_capture(wait) : try_work(wait);
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  *status = gpu::instance().stream(stream).capturing() ? cudaStreamCaptureStatusActive
                                                       : cudaStreamCaptureStatusNone;
  return cudaSuccess;
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* result, unsigned) {
  *result = reinterpret_cast<cudaEvent_t>(new event);
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* result) { return cudaEventCreateWithFlags(result, 0); }
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  *milliseconds = as<event>(to)->time - as<event>(from)->time;
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t old) {
  delete as<event>(old);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t mark, cudaStream_t on) {
  queue& stream = gpu::instance().stream(on);
  *as<event>(mark) = {&stream, stream.added(), stream.capturing(), stream.time()};
  return cudaSuccess;
}
cudaError_t cudaStreamWaitEvent(cudaStream_t on, cudaEvent_t mark, unsigned) {
  queue& stream = gpu::instance().stream(on);
  const event at = *as<event>(mark);
  if (!at.on) return cudaSuccess;
  if (at.captured) {
    if (at.on->capturing() && stream.join_capture(*at.on)) return cudaSuccess;
    return set_last_error(cudaErrorStreamCaptureMerge);
  }
  if (!stream.capturing()) {
    if (at.on != &stream) stream.add([at] { at.on->finish(at.after); });
    return cudaSuccess;
  }
  stream.invalidate_capture();
  return set_last_error(cudaErrorStreamCaptureIsolation);
}
/// Work goes on only where the host waits: as late as at the second question.
cudaError_t cudaStreamQuery(cudaStream_t on) {
  queue& stream = gpu::instance().stream(on);
  if (stream.capturing()) return outside_of_capture([] {});
  if (stream.was_asked()) return try_work([&] { stream.finish(); });
  return set_last_error(stream.is_done() ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaEventSynchronize(cudaEvent_t mark) {
  return outside_of_capture([&] {
    if (const event& at = *as<event>(mark); at.on && !at.captured) at.on->finish(at.after);
  });
}

// Graphs.

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  gpu::instance().stream(stream).begin_capture();
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* result) {
  queue& on = gpu::instance().stream(stream);
  const bool unjoined = on.unjoined();
  auto* const graph = new captured_graph{on.end_capture()};
  if (!on.invalid() && !unjoined) return *result = reinterpret_cast<cudaGraph_t>(graph), cudaSuccess;
  delete graph;
  *result = nullptr;
  return set_last_error(unjoined ? cudaErrorStreamCaptureUnjoined : cudaErrorStreamCaptureInvalidated);
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* result, cudaGraph_t graph, unsigned long long) {
  *result = reinterpret_cast<cudaGraphExec_t>(new captured_graph{*as<captured_graph>(graph)});
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t on) {
  return try_work([&] {
    for (const auto& [run, milliseconds] : as<captured_graph>(graph)->all)
      gpu::instance().stream(on).add(run, milliseconds);
  });
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete as<captured_graph>(graph);
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph) {
  delete as<captured_graph>(graph);
  return cudaSuccess;
}

}  // extern "C"
