// SPDX-License-Identifier: MIT
#pragma once
#include <span>

#include <pretext/core/parameter.hpp>

namespace pretext::inline v0_1 {

/// The state of an optimizer for a method's table: by the optimizer's own `make_state` if it has one. (A free
/// function, because nvcc does not find such a member from within another of the same name.)
template <class Context, class Optimizer>
typename Optimizer::template state_type<Context> make_state(const Optimizer& optimizer,
                                                            std::span<const parameter> table) {
  if constexpr (requires { optimizer.template make_state<Context>(table); })
    return optimizer.template make_state<Context>(table);
  else
    return typename Optimizer::template state_type<Context>{table};
}

}  // namespace pretext::inline v0_1
