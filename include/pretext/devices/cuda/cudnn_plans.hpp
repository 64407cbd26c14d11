// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/core/arena.hpp>
#include <pretext/devices/cuda/cudnn_attention.hpp>
#include <pretext/devices/cuda/cudnn_convolution.hpp>

namespace pretext::inline v0_1::detail {

/// What cuDNN computes here.
using cudnn_operation = std::variant<cudnn_convolution, cudnn_attention>;

/// cuDNN with the execution plan of every operation so far. A plan is selected once: the first proposal of
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

  /// The plan of an operation; not `possible()` where cuDNN has none that is suitable.
  const plan& find(const cudnn_operation& operation) {
    if (const auto known = plans_.find(operation); known != plans_.end()) return known->second;
    if (!handle_ && !absent_ && cudnnCreate(&handle_) != CUDNN_STATUS_SUCCESS) handle_ = nullptr;
    return plans_.emplace(operation, handle_ || absent_ ? choose(operation, 0) : plan{}).first->second;
  }

  /// The address of a tensor of the operation's graph; of a number of the host's for a number.
  struct argument {
    std::int64_t name;
    const void* address;
  };
  /// Executes the plan that `find` returned; `workspace` has as many bytes as it needs. Tensors are aligned
  /// to 16 bytes. Returns false if cuDNN refuses, as it does where the driver lacks what a plan needs: `find`
  /// then returns the next plan.
  bool run(cudaStream_t on, const cudnn_operation& operation, std::span<const argument> arguments,
           void* workspace) {
    plan& selected = plans_.at(operation);
    std::vector<std::int64_t> names;
    std::vector<const void*> addresses;
    for (const argument& each : arguments) {
      names.push_back(each.name);
      addresses.push_back(each.address);
    }
    const auto count = static_cast<std::int64_t>(arguments.size());
    cudnn_descriptor memory{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
    memory.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, names.data(), count);
    memory.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, addresses.data(), count);
    memory.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
    memory.finish();
    if (memory.good() && cudnnSetStream(handle_, on) == CUDNN_STATUS_SUCCESS &&
        cudnnBackendExecute(handle_, selected.parts.back().raw(), memory.raw()) == CUDNN_STATUS_SUCCESS)
      return true;
    selected = choose(operation, selected.refused + 1);
    return false;
  }

  /// Runs the operation with cuDNN's first plan that can be executed, with memory of the context's workspace;
  /// returns false if there is none.
  template <class Context>
  bool run(Context& context, const cudnn_operation& operation, std::initializer_list<argument> arguments) {
    while (find(operation).possible()) {
      const arena_scope guard{context.workspace};
      auto* const workspace = context.workspace.template allocate<std::byte>(find(operation).workspace);
      if (run(context.stream.native(), operation, {arguments.begin(), arguments.size()}, workspace))
        return true;
    }
    return false;
  }

  /// The suitable ones of the engine configurations that cuDNN proposes for a graph, in its order.
  std::vector<cudnn_descriptor> proposals(const cudnn_descriptor& graph) const {
    std::vector<cudnn_descriptor> suitable;
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      cudnn_descriptor advice{CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR};
      advice.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph);
      advice.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, mode);
      if (absent_) advice.set(advice_device, *absent_);
      advice.finish();
      constexpr std::size_t max_proposals = 32;
      std::vector<cudnn_descriptor> proposed;
      for (std::size_t i = 0; i < max_proposals; ++i)
        proposed.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
      const std::size_t found = advice.get(CUDNN_ATTR_ENGINEHEUR_RESULTS, proposed);
      for (std::size_t i = 0; i < found; ++i)
        if (is_suitable(proposed[i])) suitable.push_back(std::move(proposed[i]));
    }
    return suitable;
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

  /// The plan of the first suitable proposal after `skipped` others.
  plan choose(const cudnn_operation& operation, std::size_t skipped) const {
    plan result;
    result.refused = skipped;
    result.parts = std::visit([&](const auto& of) { return graph_of(of, handle_); }, operation);
    if (result.parts.empty()) return {};
    const std::size_t limit = std::visit([](const auto& of) { return max_workspace(of); }, operation);
    for (cudnn_descriptor& proposal : proposals(result.parts.back())) {
      cudnn_descriptor execution{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
      if (handle_) execution.set(plan_handle, CUDNN_TYPE_HANDLE, handle_);
      if (absent_) execution.set(plan_device, *absent_);
      execution.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, proposal);
      execution.finish();
      const auto bytes =
          execution.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1);
      if (bytes.size() != 1 || static_cast<std::size_t>(bytes[0]) > limit) continue;
      if (skipped-- > 0) continue;
      result.parts.push_back(std::move(proposal));
      result.parts.push_back(std::move(execution));
      result.workspace = static_cast<std::size_t>(bytes[0]);
      return result;
    }
    return {};
  }

  cudnnHandle_t handle_ = nullptr;
  std::optional<cudnn_descriptor> absent_;
  std::map<cudnn_operation, plan> plans_;
};

}  // namespace pretext::inline v0_1::detail
