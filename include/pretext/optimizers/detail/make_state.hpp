#pragma once
#include <span>

#include <pretext/core/parameter.hpp>

namespace pretext {

/// What an optimizer keeps for a method's table; one that is chosen at run time says so itself. (CUDA's
/// compiler does not find such a member from within another of the same name: hence a function apart.)
template <class Context, class Optimizer>
typename Optimizer::template state_type<Context> make_state(const Optimizer& optimizer,
                                                            std::span<const parameter> table) {
  if constexpr (requires { optimizer.template make_state<Context>(table); })
    return optimizer.template make_state<Context>(table);
  else
    return typename Optimizer::template state_type<Context>{table};
}

}  // namespace pretext
