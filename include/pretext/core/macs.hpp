#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>

namespace pretext {

namespace detail {

template <class L, class In>
consteval std::size_t count_multiply_adds() {
  if constexpr (requires { L::template macs<In>(); }) {
    return L::template macs<In>();
  } else {
    for (const parameter& p : parameters_of<L, In>)
      if (p.rank > 1) throw "a layer with matrices must say how often it multiplies by them";
    return 0;
  }
}

}  // namespace detail

/// Multiplications, each with an addition, of the matrix products in one forward pass of one sample, as
/// papers count them: what is done once per number (norms, activations, pooling, sums) is left out. A layer
/// with matrices says its own in `template <Shape In> static consteval std::size_t macs()`.
template <class L, class In>
inline constexpr std::size_t macs = detail::count_multiply_adds<L, In>();

}  // namespace pretext
