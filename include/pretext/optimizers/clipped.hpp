// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/optimizers/detail/clip_gradient.hpp>
#include <pretext/optimizers/detail/make_state.hpp>
#include <pretext/optimizers/detail/momentum_state.hpp>

namespace pretext::inline v0_1 {

/// Any optimizer on clipped gradients: g·min(1, norm / (‖g‖ + 1e-6)), where ‖g‖ is the norm of a tensor's
/// gradient, of a module's or of all of them, of parameters that learn (Caron et al. 2021; torch's
/// clip_grad_norm_). Gradients of groups that are frozen in the step count, too. It changes the gradient in
/// place. `clipped<adamw>{.optimizer = {.beta2 = .999}, .norm = 3}`.
template <class Optimizer>
struct clipped {
  Optimizer optimizer{};
  double norm = 3;  ///< positive; infinity clips nothing
  clip_by by = clip_by::tensor;

  friend bool operator==(const clipped&, const clipped&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(norm > 0, "clipped: norm ", norm, " must be positive; infinity clips nothing");
    if constexpr (requires { optimizer.check(); }) optimizer.check();
  }

  /// The state of the optimizer; clipping itself remembers nothing.
  template <class Context>
  struct state_type {
    detail::clip_plan<typename Context::device> plan;
    typename Optimizer::template state_type<Context> state;

    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      state.for_each_buffer(visit);
    }
  };

  template <class Context>
  state_type<Context> make_state(std::span<const parameter> table) const {
    return {detail::clip_plan<typename Context::device>{table},
            pretext::make_state<Context>(optimizer, table)};
  }

  /// One step over the flat buffers. Throws std::invalid_argument if the state was made for another table.
  template <class Context>
  void operator()(Context& context, std::span<const parameter> table, state_type<Context>& state,
                  device_scalar<step_rates> rates, typename Context::weight* gradient,
                  typename Context::weight* value) const {
    detail::expects_table_of(state.plan.chunks.rows, table);
    if (detail::is_finite(norm)) detail::clip_gradient(context, state.plan, norm, by, gradient);
    optimizer(context, table, state.state, rates, gradient, value);
  }
};

}  // namespace pretext::inline v0_1
