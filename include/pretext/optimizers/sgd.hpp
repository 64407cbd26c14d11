// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <pretext/optimizers/detail/momentum_state.hpp>

namespace pretext::inline v0_1 {

/// Stochastic gradient descent with momentum as in torch: v = m·v + (g + decay·w), w -= rate·v, or w -=
/// rate·(g + decay·w + m·v) in Nesterov's form.
struct sgd {
  double momentum = 0.9;  ///< in [0, 1)
  bool nesterov = false;
  double weight_decay = 0;
  bool decay_all = false;  ///< decay biases and norms, too, as MoCo v2 and SimSiam do

  friend bool operator==(const sgd&, const sgd&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    detail::expects_fraction("sgd", "momentum", momentum);
    detail::expects_not_negative("sgd", "weight_decay", weight_decay);
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
    kernels::optimize<typename Context::device>::sgd(
        context, state.parameter_chunks,
        kernels::sgd_step{rates, momentum, weight_decay, nesterov, decay_all}, gradient,
        state.momentum_buffer.data(), value);
  }
};

}  // namespace pretext::inline v0_1
