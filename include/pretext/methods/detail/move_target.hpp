// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/kernels/optimize.hpp>

namespace pretext::inline v0_1::detail {

/// Moves the parameters of a method's target: target = momentum·target + (1 - momentum)·online. They are the
/// first ones of the online network, those in `m.target_chunks`.
template <class Context, class Memory>
void move_target(Context& context, Memory& m, device_scalar<double> momentum) {
  using W = typename Context::weight;
  kernels::optimize<typename Context::device>::ema_update(
      context, m.target_chunks, momentum, static_cast<const W*>(m.value.data()), m.target_values.data());
}

}  // namespace pretext::inline v0_1::detail
