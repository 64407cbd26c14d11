// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include <pretext/optimizers/detail/momentum_state.hpp>

namespace pretext::inline v0_1 {

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2) as in torch; the defaults are
/// MAE's.
struct adamw {
  double beta1 = 0.9, beta2 = 0.95;  ///< in [0, 1)
  double epsilon = 1e-8;
  double weight_decay = 0.05;
  bool decay_all = false;  ///< decay biases and norms, too

  friend bool operator==(const adamw&, const adamw&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    detail::expects_fraction("adamw", "beta1", beta1);
    detail::expects_fraction("adamw", "beta2", beta2);
    detail::expects_not_negative("adamw", "epsilon", epsilon);
    detail::expects_not_negative("adamw", "weight_decay", weight_decay);
  }

  /// Two flat buffers of moments and, for each group of parameters, the number of completed steps, which the
  /// bias correction needs: those in which the group was not frozen.
  template <class Context>
  struct state_type {
    using device = typename Context::device;
    kernels::parameter_chunks<device> parameter_chunks;
    buffer<typename Context::weight, device> mean, square;
    buffer<std::uint64_t, device> steps;

    explicit state_type(std::span<const parameter> table)
        : parameter_chunks{table},
          mean{parameter_chunks.size},
          square{parameter_chunks.size},
          steps{parameter_chunks.groups} {}

    /// `visit(name, data, count)` for every buffer of a checkpoint; numbers of steps are std::uint64_t.
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      visit(std::string_view{"mean"}, mean.data(), mean.size());
      visit(std::string_view{"square"}, square.data(), square.size());
      visit(std::string_view{"steps"}, steps.data(), steps.size());
    }
  };

  /// One step over the flat buffers; buffers and frozen parameters of the table stay as they are, and so do
  /// groups that the rates freeze. Throws std::invalid_argument if the state was made for another table.
  template <class Context>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<step_rates> rates, const typename Context::weight* gradient,
                  typename Context::weight* value) const {
    detail::expects_table_of(state.parameter_chunks.rows, table);
    kernels::optimize<typename Context::device>::adamw(
        context, state.parameter_chunks,
        kernels::adamw_step{rates, beta1, beta2, epsilon, weight_decay, decay_all}, gradient,
        state.mean.data(), state.square.data(), state.steps.data(), value);
  }
};

}  // namespace pretext::inline v0_1
