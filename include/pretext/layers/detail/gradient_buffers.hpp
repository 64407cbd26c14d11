// SPDX-License-Identifier: MIT
#pragma once
// Where the gradients between the layers of a network are stored. Allocating one buffer per layer would take
// as much memory as the activations. Two buffers are enough, fewer where layers can overwrite a gradient that
// nothing needs any more; the plan is made by the compiler, from shapes alone.
#include <algorithm>
#include <array>
#include <cstddef>

#include <pretext/core/concepts.hpp>

namespace pretext::inline v0_1::detail {

/// The input shapes of the layers of a network.
template <class... In>
struct shapes {
  static constexpr std::size_t largest = std::max({std::size_t{0}, In::size...});
  static constexpr std::array<std::size_t, sizeof...(In)> sizes{In::size...};
};

/// May L's backward write dx to the memory of its dy?
template <class L, class In>
inline constexpr bool dx_may_alias_dy = false;
template <class L, class In>
  requires requires { L::template dx_may_alias_dy<In>; }
inline constexpr bool dx_may_alias_dy<L, In> = L::template dx_may_alias_dy<In>;

/// Has L a backward that uses the memory of its dy as workspace, which destroys dy?
template <class L, class Out, class In, class Context>
concept HasBackwardInplace = requires(Context& context, weights<Context> w, cache_of<L, In, Context>& cache,
                                      writes<Context, Out> dy, writes<Context, In> dx) {
  L::backward_inplace(context, w, cache, dy, dx);
};

template <class Inputs, class... Ls>
inline constexpr bool all_dx_may_alias_dy = false;
template <class... In, class... Ls>
inline constexpr bool all_dx_may_alias_dy<shapes<In...>, Ls...> = sizeof...(Ls) > 0 &&
                                                                  (dx_may_alias_dy<Ls, In> && ...);

/// Which buffer each layer's backward writes its dx to: the caller's dx, or one of two buffers, never the one
/// that holds its dy unless the layer allows that. `second` can be freed early, before the first layers of
/// the network, whose images are the largest.
template <std::size_t Depth>
struct gradient_buffer_plan {
  enum buffer_id : unsigned char { callers, first, second };
  std::array<buffer_id, Depth> of{};
  std::array<std::size_t, 3> size{};  ///< of each buffer, in elements per sample
  std::size_t last_second = Depth;    ///< after the backward of this layer `second` is free

  constexpr gradient_buffer_plan(const std::array<std::size_t, Depth>& sizes,
                                 const std::array<bool, Depth>& may_overwrite) {
    for (std::size_t i = 1; i < Depth; ++i) {
      of[i] = may_overwrite[i - 1] ? of[i - 1] : of[i - 1] == first ? second : first;
      size[of[i]] = std::max(size[of[i]], sizes[i]);
    }
    for (std::size_t i = Depth; i-- > 1;)
      if (of[i] == second) last_second = i - 1;
  }
};

}  // namespace pretext::inline v0_1::detail
