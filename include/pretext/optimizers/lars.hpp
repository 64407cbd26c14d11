// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <pretext/core/is_finite.hpp>
#include <pretext/optimizers/detail/momentum_state.hpp>

namespace pretext::inline v0_1 {

/// Layer-wise adaptive rate scaling (You et al. 2017): momentum in which the norm of every tensor's update is
/// the norm of its weights times `trust_coefficient`. Parameters with `parameter_decay::no` are neither
/// decayed nor adapted. A tensor whose weights or gradient are all zero has ratio 1.
struct lars {
  double momentum = 0.9;  ///< in [0, 1)
  double weight_decay = 1e-6;
  double trust_coefficient = 1e-3;
  lars_variant variant = lars_variant::simclr;
  bool nesterov = false;
  bool clip = false;       ///< no tensor's rate exceeds the learning rate: solo-learn's clip_lr
  bool decay_all = false;  ///< adapt and decay biases and norms, too; larc always does
  double epsilon = 1e-8;   ///< added to the sum of norms
  /// Multiplies the learning rate of parameters that are not adapted; Barlow Twins has 0.0048/0.2.
  double excluded_rate = 1;

  friend bool operator==(const lars&, const lars&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    detail::expects_fraction("lars", "momentum", momentum);
    detail::expects_not_negative("lars", "weight_decay", weight_decay);
    detail::expects_not_negative("lars", "epsilon", epsilon);
    detail::expects_not_negative("lars", "excluded_rate", excluded_rate);
    expects(trust_coefficient > 0 && detail::is_finite(trust_coefficient), "lars: trust_coefficient ",
            trust_coefficient, " must be positive and finite");
  }

  template <class Context>
  using state_type = momentum_state<Context>;

  /// One step over the flat buffers; buffers and frozen parameters of the table stay as they are, and so do
  /// groups that the rates freeze. Throws std::invalid_argument if the state was made for another table.
  template <class Context>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<step_rates> rates, const typename Context::weight* gradient,
                  typename Context::weight* value) const {
    detail::expects_table_of(state.parameter_chunks.rows, table);
    kernels::optimize<typename Context::device>::lars(
        context, state.parameter_chunks,
        kernels::lars_step{rates, momentum, weight_decay, trust_coefficient, epsilon, variant, nesterov, clip,
                           decay_all, excluded_rate},
        gradient, state.momentum_buffer.data(), value);
  }
};

}  // namespace pretext::inline v0_1
