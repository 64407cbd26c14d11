// SPDX-License-Identifier: MIT
#pragma once
#include <memory>
#include <type_traits>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>

namespace pretext::inline v0_1::detail {

/// The kernels, copies and clears that some work put on a stream, as one CUDA graph, with the addresses and
/// arguments that they had while they were recorded. Move-only.
class cuda_graph {
 public:
  /// Records the work without executing it. Throws std::runtime_error if the work waits for the stream or
  /// allocates.
  template <class Work>
  cuda_graph(cudaStream_t on, const Work& work) {
    expects_success(cudaStreamBeginCapture(on, cudaStreamCaptureModeThreadLocal),
                    "starting to record a step");
    try {
      work();
    } catch (...) {
      cudaGraph_t broken = nullptr;
      cudaStreamEndCapture(on, &broken);
      if (broken) cudaGraphDestroy(broken);
      cudaGetLastError();  // the error is reported by the exception
      throw;
    }
    cudaGraph_t graph = nullptr;
    expects_success(cudaStreamEndCapture(on, &graph), "recording a step");
    cudaGraphExec_t executable = nullptr;
    const cudaError_t error = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    expects_success(error, "preparing a recorded step");
    graph_.reset(executable);
  }

  void launch(cudaStream_t on) const {
    expects_success(cudaGraphLaunch(graph_.get(), on), "starting a recorded step");
  }

 private:
  struct destroy {
    void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, destroy> graph_;
};

}  // namespace pretext::inline v0_1::detail
