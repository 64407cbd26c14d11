#pragma once
#include <array>
#include <cstddef>

namespace pretext {

/// The extents of ONE sample, channels last, known while compiling: an image is `shape<H, W, C>`, a feature
/// is `shape<C>`. The batch is never part of it.
template <std::size_t... Extents>
struct shape {
  static constexpr std::size_t rank = sizeof...(Extents);
  static constexpr std::size_t size = (Extents * ... * 1);
  static constexpr std::array<std::size_t, rank> extents{Extents...};
};

template <class S>
concept Shape = requires {
  S::rank;
  S::size;
  S::extents;
};

/// A sample with rows, columns and channels.
template <class S>
concept ImageShape = Shape<S> && S::rank == 3;

/// A sample that is one vector: `shape<D>`.
template <class S>
concept FeatureShape = Shape<S> && S::rank == 1;

/// The last extent: how many numbers stand at one place.
template <Shape S>
inline constexpr std::size_t channels_of = S::extents[S::rank - 1];

/// How many places a sample has: H·W for an image, T for tokens, 1 for a feature.
template <Shape S>
inline constexpr std::size_t position_count = S::size / channels_of<S>;

}  // namespace pretext
