// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>
#include <pretext/devices/cuda/gpu_plans.hpp>
#include <pretext/devices/cuda/graph.hpp>

namespace pretext::inline v0_1::detail {

/// Memory of the device; null and 0: none.
struct device_bytes {
  void* memory = nullptr;
  std::size_t count = 0;
};

/// Copies memory of the device and puts the copy back at its end. The copy is in the host's memory, so that a
/// step needs no more of the device's.
class preserved_bytes {
 public:
  preserved_bytes(cudaStream_t on, device_bytes of) : on_{on}, of_{of}, copy_(of.count) {
    if (of_.count == 0) return;
    expects_success(cudaMemcpyAsync(copy_.data(), of_.memory, of_.count, cudaMemcpyDeviceToHost, on_),
                    "timing plans");
    expects_success(cudaStreamSynchronize(on_), "timing plans");
  }
  preserved_bytes(const preserved_bytes&) = delete;
  preserved_bytes& operator=(const preserved_bytes&) = delete;
  ~preserved_bytes() {
    if (of_.count == 0) return;
    cudaMemcpyAsync(of_.memory, copy_.data(), of_.count, cudaMemcpyHostToDevice, on_);
    cudaStreamSynchronize(on_);
  }

 private:
  cudaStream_t on_;
  device_bytes of_;
  std::vector<char> copy_;
};

/// Times work on a stream. Move-only.
class stream_timer {
 public:
  explicit stream_timer(cudaStream_t on) : on_{on} {
    for (cudaEvent_t* each : {&began_, &ended_})
      expects_success(cudaEventCreateWithFlags(each, cudaEventDefault), "timing plans");
  }
  stream_timer(const stream_timer&) = delete;
  stream_timer& operator=(const stream_timer&) = delete;
  ~stream_timer() {
    cudaEventDestroy(began_);
    if (ended_) cudaEventDestroy(ended_);
  }
  /// The milliseconds that the work takes.
  template <class Work>
  float time(const Work& work) const {
    float milliseconds = 0;
    expects_success(cudaEventRecord(began_, on_), "timing plans");
    work();
    expects_success(cudaEventRecord(ended_, on_), "timing plans");
    expects_success(cudaEventSynchronize(ended_), "timing plans");
    expects_success(cudaEventElapsedTime(&milliseconds, began_, ended_), "timing plans");
    return milliseconds;
  }

 private:
  cudaStream_t on_;
  cudaEvent_t began_ = nullptr, ended_ = nullptr;
};

/// The fastest of some proposals, of which `run(proposal)` puts one on the stream, or returns false if the
/// library refuses it; 0 if it refuses all. After a first run of each, three are recorded and replayed twice,
/// as a step does: of short work, single launches would measure the host. `changed` is as before afterwards.
template <class Run>
std::size_t fastest_proposal(cudaStream_t on, std::size_t proposals, device_bytes changed, const Run& run) {
  const preserved_bytes before{on, changed};
  const stream_timer timer{on};
  std::size_t fastest = 0;
  float shortest = std::numeric_limits<float>::infinity();
  for (std::size_t i = 0; i < proposals; ++i) {
    if (!run(i)) continue;
    try {
      const cuda_graph recorded{on, [&] {
                                  for (int again = 0; again < 3; ++again)
                                    if (!run(i)) throw std::runtime_error{"refused"};
                                }};
      const auto replay = [&] { recorded.launch(on); };
      const float first = timer.time(replay), second = timer.time(replay);
      if (std::min(first, second) >= shortest) continue;
      shortest = std::min(first, second);
      fastest = i;
    } catch (const std::runtime_error&) {  // a step could not record it
      cudaGetLastError();
    }
  }
  return fastest;
}

/// Whether a new operation is timed on the stream: if plans are timed, and the stream is not recorded.
inline bool times_now(const gpu_plans& plans, cudaStream_t on) {
  cudaStreamCaptureStatus recording = cudaStreamCaptureStatusNone;
  if (plans.timed)
    expects_success(cudaStreamIsCapturing(on, &recording), "checking whether the stream is recorded");
  return plans.timed && recording == cudaStreamCaptureStatusNone;
}

/// The proposal that computes an operation which is used for the first time: the one that was kept, else the
/// fastest if plans are timed and the stream is not recorded, else the first. Keeps it.
template <class Run>
std::size_t chosen_proposal(gpu_plans& plans, const std::string& operation, cudaStream_t on,
                            std::size_t proposals, device_bytes changed, const Run& run) {
  if (const auto kept = plans.find(operation); kept && *kept < proposals) return *kept;
  const bool times = proposals > 1 && times_now(plans, on);
  const std::size_t chosen = times ? fastest_proposal(on, proposals, changed, run) : 0;
  plans.keep(operation, chosen);
  return chosen;
}

}  // namespace pretext::inline v0_1::detail
