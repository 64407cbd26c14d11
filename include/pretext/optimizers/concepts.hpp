// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/optimizers/detail/make_state.hpp>

namespace pretext::inline v0_1 {

namespace detail {
struct buffer_visitor {
  template <class T>
  void operator()(std::string_view, T*, std::size_t) const {}
};
}  // namespace detail

/// Updates the flat buffer of a method's values from that of its gradients. `state_type<Context>` holds what
/// it remembers between steps, is constructed from the parameter table, or by `make_state<Context>(table)`,
/// and shows its buffers to checkpoints. An optimizer leaves out every row of the table whose role is not
/// trainable or whose lr_multiplier is 0, which `kernels::parameter_chunks` does, and in each step the rows
/// whose group the rates freeze. It may change the gradient, which nothing reads afterwards, and it may
/// declare `check()`.
template <class O, class Context>
concept Optimizer = requires(const O& optimizer, Context& context, std::span<const parameter> table,
                             typename O::template state_type<Context>& state, device_scalar<step_rates> rates,
                             typename Context::weight* gradient, typename Context::weight* value) {
  { make_state<Context>(optimizer, table) } -> std::same_as<typename O::template state_type<Context>>;
  optimizer(context, table, state, rates, gradient, value);
  state.for_each_buffer(detail::buffer_visitor{});
};

}  // namespace pretext::inline v0_1
