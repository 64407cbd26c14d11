// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// The extents of one sample, channels last, known at compile time: an image is `shape<H, W, C>`, tokens are
/// `shape<T, C>`, a feature is `shape<C>`. The batch is not part of the shape.
template <std::size_t... Extents>
struct shape {
  static constexpr std::size_t rank = sizeof...(Extents);
  static constexpr std::size_t size = (Extents * ... * 1);
  static constexpr std::array<std::size_t, rank> extents{Extents...};
};

/// A `shape` or any type with its members: the extents of one sample.
template <class S>
concept Shape = requires {
  S::rank;
  S::size;
  S::extents;
};

/// The shape of a sample with rows, columns and channels.
template <class S>
concept ImageShape = Shape<S> && S::rank == 3;

namespace detail {
/// Is an image's shape most likely (channels, rows, columns), as in PyTorch, instead of channels last?
template <Shape S>
inline constexpr bool is_channels_first = [] {
  if constexpr (S::rank == 3)
    return S::extents[0] <= 4 && S::extents[1] > 4 && S::extents[2] > 4;
  else
    return false;
}();
}  // namespace detail

/// A sample that is one vector: `shape<D>`.
template <class S>
concept FeatureShape = Shape<S> && S::rank == 1;

/// The last extent: channels per position.
template <Shape S>
inline constexpr std::size_t channels_of = S::extents[S::rank - 1];

/// Positions of a sample: H·W for an image, T for tokens, 1 for a feature.
template <Shape S>
inline constexpr std::size_t position_count = S::size / channels_of<S>;

}  // namespace pretext::inline v0_1
