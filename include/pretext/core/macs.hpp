// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

template <class L, class In>
consteval std::size_t count_multiply_adds() {
  if constexpr (requires { L::template macs<In>(); }) {
    return L::template macs<In>();
  } else {
    for (const parameter& p : parameters_of<L, In>)
      if (p.rank > 1) throw "a layer with matrices must declare macs()";
    return 0;
  }
}

}  // namespace detail

/// Multiply-adds of the matrix products and convolutions in one forward pass of one sample, as papers count
/// them: elementwise work (norms, activations, pooling, sums) is not counted. A layer with matrices declares
/// its count in `template <Shape In> static consteval std::size_t macs()`.
template <class L, class In>
inline constexpr std::size_t macs = detail::count_multiply_adds<L, In>();

}  // namespace pretext::inline v0_1
