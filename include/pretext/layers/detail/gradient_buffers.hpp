#pragma once
#include <algorithm>
#include <array>
#include <cstddef>

#include <pretext/core/concepts.hpp>

// Where the gradients between layers go: most may overwrite what nobody needs any more.
namespace pretext::detail {

/// The shapes that enter the layers of a network.
template <class... In>
struct shapes {
  static constexpr std::size_t largest = std::max({std::size_t{0}, In::size...});
  static constexpr std::array<std::size_t, sizeof...(In)> sizes{In::size...};
};

/// Does L's backward allow dx to be written where dy is?
template <class L, class In>
inline constexpr bool in_place = false;
template <class L, class In>
  requires requires { L::template in_place<In>; }
inline constexpr bool in_place<L, In> = L::template in_place<In>;

/// Can L's backward make use of the memory that its dy is in?
template <class L, class Out, class In, class Context>
concept spends_gradient = requires(Context& buffer_id, weights<Context> w, cache_of<L, In, Context>& cache,
                                   writes<Context, Out> dy, writes<Context, In> dx) {
  L::backward_over(buffer_id, w, cache, dy, dx);
};

template <class Inputs, class... Ls>
inline constexpr bool all_in_place = false;
template <class... In, class... Ls>
inline constexpr bool all_in_place<shapes<In...>, Ls...> = sizeof...(Ls) > 0 && (in_place<Ls, In> && ...);

/// Where each layer's backward writes its dx: where the caller wants it, or in one of two buffers, never the
/// one that holds its dy unless the layer says that it may. The second buffer can be given back early: large
/// images come last.
template <std::size_t Depth>
struct gradient_places {
  enum buffer_id : unsigned char { callers, first, second };
  std::array<buffer_id, Depth> of{};
  std::array<std::size_t, 3> size{};  ///< numbers per sample that a place must hold
  std::size_t last_second = Depth;    ///< the layer after whose backward `second` holds nothing

  constexpr gradient_places(const std::array<std::size_t, Depth>& sizes,
                            const std::array<bool, Depth>& may_overwrite) {
    for (std::size_t i = 1; i < Depth; ++i) {
      of[i] = may_overwrite[i - 1] ? of[i - 1] : of[i - 1] == first ? second : first;
      size[of[i]] = std::max(size[of[i]], sizes[i]);
    }
    for (std::size_t i = Depth; i-- > 1;)
      if (of[i] == second) last_second = i - 1;
  }
};

}  // namespace pretext::detail
