// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/devices/cuda/cudnn_graph.hpp>

namespace pretext::inline v0_1::detail {

/// cuDNN with the execution plan of every convolution so far. A plan is selected once: the first proposal of
/// cuDNN's heuristics for tensor cores that adds in a fixed order and in float, so that a repeated step gives
/// the same bits; where cuDNN then refuses to execute it, the next one. Used by one thread at a time.
class cudnn_plans {
 public:
  struct plan {
    std::vector<cudnn_descriptor> parts;  ///< the last is the execution plan
    std::size_t workspace = 0;            ///< bytes
    std::size_t refused = 0;              ///< suitable proposals before it, which cuDNN did not execute
    bool possible() const { return !parts.empty(); }
  };

  cudnn_plans() = default;
  /// Plans for a device that is not present, described by its properties; they cannot be executed.
  explicit cudnn_plans(cudnn_descriptor device) : absent_{std::move(device)} {}
  cudnn_plans(const cudnn_plans&) = delete;
  cudnn_plans& operator=(const cudnn_plans&) = delete;
  ~cudnn_plans() {
    plans_.clear();
    if (handle_) cudnnDestroy(handle_);
  }

  /// The plan of a convolution; not `possible()` where cuDNN has none that is suitable.
  const plan& find(const cudnn_convolution& c) {
    if (const auto known = plans_.find(c); known != plans_.end()) return known->second;
    if (!handle_ && !absent_ && cudnnCreate(&handle_) != CUDNN_STATUS_SUCCESS) handle_ = nullptr;
    return plans_.emplace(c, handle_ || absent_ ? choose(c, 0) : plan{}).first->second;
  }

  /// Executes the plan that `find` returned; `workspace` has as many bytes as it needs. Images, results and
  /// filters are aligned to 16 bytes. Returns false if cuDNN refuses, as it does where the driver lacks what
  /// a plan needs: `find` then returns the next plan.
  bool run(cudaStream_t on, const cudnn_convolution& c, const void* images, const void* results,
           const void* filters, void* workspace) {
    plan& selected = plans_.at(c);
    const std::array<std::int64_t, 3> names{image_name, result_name, filter_name};
    const std::array<const void*, 3> addresses{images, results, filters};
    cudnn_descriptor memory{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
    memory.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, addresses.data(), 3);
    memory.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    memory.finish();
    if (memory.good() && cudnnSetStream(handle_, on) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendExecute(handle_, selected.parts.back().raw(), memory.raw()) == CUDNN_STATUS_SUCCESS)
      return true;
    selected = choose(c, selected.refused + 1);
    return false;
  }

 private:
  // As numbers: newer versions declare the first name deprecated, older ones lack the others.
  static constexpr auto plan_handle = static_cast<cudnnBackendAttributeName_t>(400),
                        advice_device = static_cast<cudnnBackendAttributeName_t>(204),
                        plan_device = static_cast<cudnnBackendAttributeName_t>(407);

  /// Does the proposal use tensor cores, add in a fixed order and in float, and compute no transform (FFT,
  /// Winograd)?
  static bool is_suitable(const cudnn_descriptor& proposal) {
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

  /// The bytes of workspace that a plan may use: 64 MiB, or half of the images and results if that is more.
  static std::size_t max_workspace(const cudnn_convolution& c) {
    const std::int64_t elements = c.batch * (c.height * c.width * c.in + c.out_height * c.out_width * c.out);
    const std::int64_t bytes = c.type == CUDNN_DATA_BFLOAT16 ? 2 : 4;
    return std::max(std::size_t{64} << 20, static_cast<std::size_t>(elements * bytes / 2));
  }

  /// The first suitable proposal after `skipped` others.
  plan choose(const cudnn_convolution& c, std::size_t skipped) const {
    plan result;
    result.refused = skipped;
    result.parts = graph_of(c, handle_);
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      cudnn_descriptor advice{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR};
      advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, result.parts.back());
      advice.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
      if (absent_) advice.set(advice_device, *absent_);
      advice.finish();
      constexpr std::size_t max_proposals = 32;
      std::vector<cudnn_descriptor> proposals;
      for (std::size_t i = 0; i < max_proposals; ++i)
        proposals.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      const std::size_t found = advice.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, proposals);
      for (std::size_t i = 0; i < found; ++i) {
        cudnn_descriptor& proposal = proposals[i];
        if (!is_suitable(proposal)) continue;
        cudnn_descriptor execution{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
        if (handle_) execution.set(plan_handle, CUDNN_TYPE_HANDLE, handle_);
        if (absent_) execution.set(plan_device, *absent_);
        execution.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
        execution.finish();
        const auto bytes =
            execution.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1);
        if (bytes.size() != 1 || static_cast<std::size_t>(bytes[0]) > max_workspace(c)) continue;
        if (skipped-- > 0) continue;
        result.parts.push_back(std::move(proposal));
        result.parts.push_back(std::move(execution));
        result.workspace = static_cast<std::size_t>(bytes[0]);
        return result;
      }
    }
    return {};
  }

  cudnnHandle_t handle_ = nullptr;
  std::optional<cudnn_descriptor> absent_;
  std::map<cudnn_convolution, plan> plans_;
};

}  // namespace pretext::inline v0_1::detail
