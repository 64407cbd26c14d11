#pragma once
#include <span>

#include <pretext/core/parameter.hpp>

namespace pretext {

/// What an optimizer keeps for a method's table; one that is chosen at run time says so itself. (CUDA's
/// compiler does not find such a member from within another of the same name: hence a function apart.)
template <class Place, class Optimizer>
typename Optimizer::template state<Place> remember(const Optimizer& optimizer,
                                                   std::span<const parameter> table) {
  if constexpr (requires { optimizer.template remember<Place>(table); })
    return optimizer.template remember<Place>(table);
  else
    return typename Optimizer::template state<Place>{table};
}

}  // namespace pretext
