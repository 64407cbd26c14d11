#pragma once
#include <memory>
#include <type_traits>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/errors.hpp>

namespace pretext::detail {

/// What some work puts on a stream, as one CUDA graph: kernels, copies and clearings with the addresses and
/// numbers that they had when they were recorded.
class cuda_graph {
 public:
  /// Records without doing anything. Throws std::runtime_error where the work waits for the stream or
  /// allocates.
  template <class Work>
  cuda_graph(cudaStream_t on, const Work& work) {
    expects_success(cudaStreamBeginCapture(on, cudaStreamCaptureModeThreadLocal), "starting to record");
    try {
      work();
    } catch (...) {
      cudaGraph_t broken = nullptr;
      cudaStreamEndCapture(on, &broken);
      if (broken) cudaGraphDestroy(broken);
      cudaGetLastError();  // what ended the recording has been thrown
      throw;
    }
    cudaGraph_t graph = nullptr;
    expects_success(cudaStreamEndCapture(on, &graph), "recording");
    cudaGraphExec_t made = nullptr;
    const cudaError_t error = cudaGraphInstantiate(&made, graph, 0);
    cudaGraphDestroy(graph);
    expects_success(error, "preparing what was recorded");
    graph_.reset(made);
  }

  void launch(cudaStream_t on) const {
    expects_success(cudaGraphLaunch(graph_.get(), on), "starting what was recorded");
  }

 private:
  struct destroy {
    void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, destroy> graph_;
};

}  // namespace pretext::detail
