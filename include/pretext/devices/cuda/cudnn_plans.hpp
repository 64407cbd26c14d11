#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/core/expects.hpp>
#include <pretext/devices/cuda/cudnn_graph.hpp>

namespace pretext::detail {

/// cuDNN with what it has chosen for every convolution that was ever asked for: once, the first of its
/// heuristics' proposals for tensor cores that adds in a fixed order and in float, so that a step repeated is
/// the same bits.
class cudnn_plans {
 public:
  struct plan {
    std::vector<cudnn_descriptor> parts;  ///< the last is the execution plan
    std::size_t workspace = 0;            ///< bytes
    bool possible() const { return !parts.empty(); }
  };

  cudnn_plans() = default;
  /// For a device that need not be here, known by its properties: plans that nobody can run.
  explicit cudnn_plans(cudnn_descriptor device) : absent_{std::move(device)} {}
  cudnn_plans(const cudnn_plans&) = delete;
  cudnn_plans& operator=(const cudnn_plans&) = delete;
  ~cudnn_plans() {
    plans_.clear();
    if (handle_) cudnnDestroy(handle_);
  }

  /// Not `possible` where cuDNN has nothing that will do.
  const plan& find(const cudnn_convolution& c) {
    if (const auto known = plans_.find(c); known != plans_.end()) return known->second;
    if (!handle_ && !absent_ && cudnnCreate(&handle_) != CUDNN_STATUS_SUCCESS) handle_ = nullptr;
    return plans_.emplace(c, handle_ || absent_ ? choose(c) : plan{}).first->second;
  }

  /// Images, results and filters lie where 16 bytes begin.
  void run(cudaStream_t on, const plan& chosen, const void* images, const void* results, const void* filters,
           void* workspace) {
    const std::array<std::int64_t, 3> names{image_name, result_name, filter_name};
    const std::array<const void*, 3> where{images, results, filters};
    cudnn_descriptor memory{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
    memory.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, where.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    memory.finish();
    if (!memory.good()) throw_error<std::runtime_error>("cuDNN refused the memory of a convolution");
    expects_done(cudnnSetStream(handle_, on));
    expects_done(cudnnBackendExecute(handle_, chosen.parts.back().raw(), memory.raw()));
  }

 private:
  // By number, since newer versions call the first deprecated and older ones have no names for the others.
  static constexpr auto plan_handle = static_cast<cudnnBackendAttributeName_t>(400),
                        advice_device = static_cast<cudnnBackendAttributeName_t>(204),
                        plan_device = static_cast<cudnnBackendAttributeName_t>(407);

  static void expects_done(cudnnStatus_t status) {
    if (status != CUDNN_STATUS_SUCCESS) [[unlikely]]
      throw_error<std::runtime_error>("cuDNN failed at a convolution: ", cudnnGetErrorString(status));
  }

  /// On tensor cores, in a fixed order, in float, and what was asked for rather than a transform of it?
  static bool will_do(const cudnn_descriptor& proposal) {
    std::vector<cudnn_descriptor> engine;
    engine.emplace_back(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    if (proposal.get(CUDNN_ATTR_ENGINECFG_ENGINE, engine) != 1) return false;
    const auto notes = engine.front().get<cudnnBackendNumericalNote_t>(
        CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto noted = [&](cudnnBackendNumericalNote_t note) {
      return std::ranges::find(notes, note) != notes.end();
    };
    return noted(CUDNN_NUMERICAL_NOTE_TENSOR_CORE) && !noted(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC) &&
           !noted(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION) && !noted(CUDNN_NUMERICAL_NOTE_FFT) &&
           !noted(CUDNN_NUMERICAL_NOTE_WINOGRAD);
  }

  /// How much workspace a plan may want: some, or half of what the convolution reads and writes anyway.
  static std::size_t most_workspace(const cudnn_convolution& c) {
    const std::int64_t numbers = c.batch * (c.height * c.width * c.in + c.out_height * c.out_width * c.out);
    const std::int64_t bytes = c.number == CUDNN_DATA_BFLOAT16 ? 2 : 4;
    return std::max(std::size_t{64} << 20, static_cast<std::size_t>(numbers * bytes / 2));
  }

  plan choose(const cudnn_convolution& c) const {
    plan made;
    made.parts = graph_of(c, handle_);
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      cudnn_descriptor advice{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR};
      advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, made.parts.back());
      advice.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
      if (absent_) advice.set(advice_device, *absent_);
      advice.finish();
      constexpr std::size_t most_proposals = 32;
      std::vector<cudnn_descriptor> proposals;
      for (std::size_t i = 0; i < most_proposals; ++i)
        proposals.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      const std::size_t found = advice.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, proposals);
      for (std::size_t i = 0; i < found; ++i) {
        cudnn_descriptor& proposal = proposals[i];
        if (!will_do(proposal)) continue;
        cudnn_descriptor execution{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
        if (handle_) execution.set(plan_handle, CUDNN_TYPE_HANDLE, handle_);
        if (absent_) execution.set(plan_device, *absent_);
        execution.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
        execution.finish();
        const auto bytes =
            execution.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1);
        if (bytes.size() != 1 || static_cast<std::size_t>(bytes[0]) > most_workspace(c)) continue;
        made.parts.push_back(std::move(proposal));
        made.parts.push_back(std::move(execution));
        made.workspace = static_cast<std::size_t>(bytes[0]);
        return made;
      }
    }
    return {};
  }

  cudnnHandle_t handle_ = nullptr;
  std::optional<cudnn_descriptor> absent_;
  std::map<cudnn_convolution, plan> plans_;
};

}  // namespace pretext::detail
