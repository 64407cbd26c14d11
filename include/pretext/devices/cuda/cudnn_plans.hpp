// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <cuda_runtime_api.h>
#include <pretext/core/arena.hpp>
#include <pretext/devices/cuda/cudnn_attention.hpp>
#include <pretext/devices/cuda/cudnn_convolution.hpp>
#include <pretext/devices/cuda/cudnn_gelu.hpp>
#include <pretext/devices/cuda/fastest_proposal.hpp>
#include <pretext/devices/cuda/gpu_plans.hpp>
#include <pretext/devices/device_memory.hpp>

namespace pretext::inline v0_1::detail {

/// What cuDNN computes here.
using cudnn_operation = std::variant<cudnn_convolution, cudnn_attention, cudnn_gelu>;

/// cuDNN with the execution plan of every operation so far. A plan is selected once, among the proposals of
/// cuDNN's heuristics for tensor cores that add in a fixed order and in float, so that a repeated step gives
/// the same bits: the stream's `plans()` say how; where cuDNN then refuses to execute it, the first one that
/// it executes. Used by one thread at a time.
class cudnn_plans {
 public:
  /// A proposal that cuDNN has completed.
  struct execution {
    cudnn_descriptor descriptor;
    std::size_t workspace;  ///< bytes
    bool refused = false;   ///< cuDNN did not execute it
  };
  struct plan {
    std::vector<cudnn_descriptor> graph;      ///< the last is the graph itself
    std::vector<cudnn_descriptor> proposals;  ///< the suitable ones
    std::size_t tried = 0;                    ///< of the proposals
    std::vector<execution> executions;        ///< in the order of their proposals, as many as were needed
    std::size_t chosen = 0;                   ///< of the executions, once `is_chosen`
    bool is_chosen = false;
    std::optional<bool> is_faster;  ///< than other kernels, once that was asked
    bool possible() const { return chosen < executions.size(); }
    /// Bytes that it needs; it must be possible.
    std::size_t workspace() const { return executions[chosen].workspace; }
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

  /// The plan of an operation; not `possible()` where cuDNN has none that is suitable, or where `is_faster`
  /// has decided for other kernels without asking cuDNN.
  const plan& find(const cudnn_operation& operation) {
    if (const auto known = plans_.find(operation); known != plans_.end()) return known->second;
    if (!handle_ && !absent_ && cudnnCreate(&handle_) != CUDNN_STATUS_SUCCESS) handle_ = nullptr;
    plan& made = plans_[operation];
    if (!handle_ && !absent_) return made;
    made.graph = std::visit([&](const auto& of) { return graph_of(of, handle_); }, operation);
    if (!made.graph.empty()) made.proposals = proposals(made.graph.back());
    complete(operation, made, 1);
    return made;
  }

  /// The address of a tensor of the operation's graph; of a number of the host's for a number.
  struct argument {
    std::int64_t name;
    const void* address;
  };
  /// Runs the operation with cuDNN's plan that was chosen, or chooses one; with memory of the context's
  /// workspace. Tensors are aligned to 16 bytes. Returns false if cuDNN has no plan that it executes, as
  /// where the driver lacks what all plans need.
  template <class Context>
  bool run(Context& context, const cudnn_operation& operation, std::initializer_list<argument> arguments) {
    find(operation);
    plan& selected = plans_.at(operation);
    if (!selected.possible()) return false;
    const auto on = context.stream.native();
    const std::span<const argument> all{arguments.begin(), arguments.size()};
    if (!selected.is_chosen) choose(context, operation, selected, all);
    while (selected.possible()) {
      const arena_scope guard{context.workspace};
      auto* const workspace = context.workspace.template allocate<std::byte>(selected.workspace());
      if (execute(on, selected.executions[selected.chosen], all, workspace)) return true;
      selected.executions[selected.chosen].refused = true;
      selected.chosen = 0;
      while (complete(operation, selected, selected.chosen + 1) &&
             selected.executions[selected.chosen].refused)
        ++selected.chosen;
      context.stream.plans().keep(name_of(operation), selected.chosen);
    }
    return false;
  }

  /// Whether `fused`, a call of `run` for the operation, replaces `separately`, other kernels for the same
  /// work. Where plans are timed, the first call compares both, and leaves `changed` as it was; else the
  /// answer is `untimed` if cuDNN has a plan.
  template <class Context, class Fused, class Separately>
  bool is_faster(Context& context, const cudnn_operation& operation, device_bytes changed, const Fused& fused,
                 const Separately& separately, bool untimed = true) {
    if (const auto known = plans_.find(operation); known != plans_.end() && known->second.is_faster)
      return *known->second.is_faster;
    const auto on = context.stream.native();
    gpu_plans& choices = context.stream.plans();
    const std::string name = str_cat("cuDNN's fused kernel (0) or other kernels (1): ", name_of(operation));
    const auto kept = choices.find(name);
    if (kept == 1 || (!kept && !untimed && !times_now(choices, on))) {
      choices.keep(name, 1);
      return *(plans_[operation].is_faster = false);  // and completes no plan
    }
    const bool possible = find(operation).possible();
    plan& known = plans_.at(operation);
    known.is_faster = possible;
    if (!possible) return false;
    std::size_t attempted = 0;
    const auto attempt = [&](std::size_t which) {
      attempted = which;
      if (which == 0) return fused();
      separately();
      return true;
    };
    try {
      known.is_faster = chosen_proposal(choices, name, on, 2, changed, attempt) == 0;
    } catch (const out_of_device_memory&) {  // the other may need less
      choices.keep(name, 1 - attempted);
      known.is_faster = attempted == 1;
    }
    return *known.is_faster;
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

  static std::string name_of(const cudnn_operation& operation) {
    return std::visit([](const auto& of) { return detail::name_of(of); }, operation);
  }

  /// Completes more of the proposals, until there are `count` executions; returns whether there are.
  bool complete(const cudnn_operation& operation, plan& of, std::size_t count) const {
    const std::size_t limit = std::visit([](const auto& each) { return max_workspace(each); }, operation);
    while (of.executions.size() < count && of.tried < of.proposals.size()) {
      cudnn_descriptor completed{CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR};
      if (handle_) completed.set(plan_handle, CUDNN_TYPE_HANDLE, handle_);
      if (absent_) completed.set(plan_device, *absent_);
      completed.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, of.proposals[of.tried++]);
      completed.finish();
      const auto bytes =
          completed.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1);
      if (bytes.size() == 1 && static_cast<std::size_t>(bytes[0]) <= limit)
        of.executions.push_back({std::move(completed), static_cast<std::size_t>(bytes[0])});
    }
    return of.executions.size() >= count;
  }

  /// Chooses a plan for the first use of an operation. Where there is no memory for the workspaces of all,
  /// they are not timed.
  template <class Context>
  void choose(Context& context, const cudnn_operation& operation, plan& of,
              std::span<const argument> arguments) const {
    gpu_plans& choices = context.stream.plans();
    const std::string name = name_of(operation);
    const auto kept = choices.find(name);
    const std::size_t most_timed =
        std::visit([](const auto& each) { return detail::most_timed(each); }, operation);
    complete(operation, of, kept ? *kept + 1 : choices.timed ? most_timed : 1);
    device_bytes changed;
    if (const auto* const convolution = std::get_if<cudnn_convolution>(&operation)) {
      const added_tensor added = added_to(*convolution);
      for (const argument& each : arguments)
        if (added.bytes > 0 && each.name == added.name)
          changed = {const_cast<void*>(each.address), added.bytes};
    }
    std::size_t largest = 0;
    for (const execution& each : of.executions) largest = std::max(largest, each.workspace);
    const auto on = context.stream.native();
    std::byte* workspace = nullptr;
    const arena_scope guard{context.workspace};
    try {
      of.chosen = chosen_proposal(choices, name, on, of.executions.size(), changed, [&](std::size_t i) {
        if (!workspace) workspace = context.workspace.template allocate<std::byte>(largest);
        return execute(on, of.executions[i], arguments, workspace);
      });
    } catch (const out_of_device_memory&) { choices.keep(name, 0); }
    of.is_chosen = true;
  }

  /// Puts it on the stream; returns false if cuDNN refuses.
  bool execute(cudaStream_t on, const execution& chosen, std::span<const argument> arguments,
               void* workspace) const {
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
    return memory.good() && cudnnSetStream(handle_, on) == CUDNN_STATUS_SUCCESS &&
           cudnnBackendExecute(handle_, chosen.descriptor.raw(), memory.raw()) == CUDNN_STATUS_SUCCESS;
  }

  cudnnHandle_t handle_ = nullptr;
  std::optional<cudnn_descriptor> absent_;
  std::map<cudnn_operation, plan> plans_;
};

}  // namespace pretext::inline v0_1::detail
