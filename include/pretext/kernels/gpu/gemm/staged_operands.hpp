// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <utility>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Tiles of a product's operands (described in tiled_product.hpp) on their way from global to shared memory.
namespace pretext::inline v0_1::grid {

/// Presents the left operand by its index across the product's depth and its index along it, so that one
/// loader serves both operands.
template <class A>
struct from_left {
  static constexpr bool along_depth = A::along_columns;
  A matrix;

  PRETEXT_HOST_DEVICE auto across(std::size_t i) const { return matrix.row(i); }
  PRETEXT_HOST_DEVICE auto depth(std::size_t i) const { return matrix.column(i); }
  template <class Across, class Depth>
  PRETEXT_HOST_DEVICE const bfloat16* where(const Across& across, const Depth& depth) const {
    return matrix.where(across, depth);
  }
};

/// The same for the right operand.
template <class B>
struct from_right {
  static constexpr bool along_depth = !B::along_columns;
  B matrix;

  PRETEXT_HOST_DEVICE auto across(std::size_t i) const { return matrix.column(i); }
  PRETEXT_HOST_DEVICE auto depth(std::size_t i) const { return matrix.row(i); }
  template <class Across, class Depth>
  PRETEXT_HOST_DEVICE const bfloat16* where(const Across& across, const Depth& depth) const {
    return matrix.where(depth, across);
  }
};

/// One thread's share of an Across×Deep tile of an operand, in chunks of 8 elements. It fetches the next
/// tile while the block multiplies the current one.
template <class Side, unsigned Across, unsigned Deep, unsigned Threads>
class staged_operand {
  static constexpr bool along_depth = Side::along_depth;
  static constexpr unsigned in_line = (along_depth ? Deep : Across) / 8, lines = Threads / in_line,
                            chunks = Across * Deep / 8 / Threads;
  static_assert(Threads % in_line == 0 && lines * in_line * 8 * chunks == Across * Deep);

 public:
  /// Computes what the thread needs for all tiles at `left` across the operand.
  PRETEXT_HOST_DEVICE void start(const Side& side, unsigned thread, std::size_t left) {
    if constexpr (along_depth)
      for (unsigned s = 0; s < chunks; ++s) across_[s] = side.across(left + line(thread, s));
    else
      across_[0] = side.across(left + within(thread));
  }

  /// Fetches the tile at (left, top), zeros beyond `width` and `end`. N consecutive elements are loaded at
  /// once; the bound in their direction must be a multiple of N.
  template <unsigned N>
  PRETEXT_HOST_DEVICE void fetch(const Side& side, unsigned thread, std::size_t left, std::size_t width,
                                 std::size_t top, std::size_t end) {
    for (unsigned k = 0; k < 8; k += N)
      if constexpr (along_depth) {
        const std::size_t d = top + within(thread) + k;
        const auto depth = side.depth(d);
        for (unsigned s = 0; s < chunks; ++s) {
          const bool inside = left + line(thread, s) < width && d < end;
          set<N>(s, k, inside ? side.where(across_[s], depth) : nullptr);
        }
      } else {
        const std::size_t i = left + within(thread) + k;
        const auto across = k == 0 ? across_[0] : side.across(i);
        for (unsigned s = 0; s < chunks; ++s) {
          const std::size_t d = top + line(thread, s);
          set<N>(s, k, i < width && d < end ? side.where(across, side.depth(d)) : nullptr);
        }
      }
  }

  template <class Tile>
  PRETEXT_HOST_DEVICE void write(unsigned thread, Tile& tile) const {
    static_assert(Tile::lines == lines * chunks && Tile::length == in_line * 8);
    for (unsigned s = 0; s < chunks; ++s)
      *reinterpret_cast<chunk*>(&tile.of[line(thread, s)][within(thread)]) = chunk_[s];
  }

 private:
  using chunk = aligned_vec<bfloat16, 8>;

  /// Neighbouring threads read along a line.
  PRETEXT_HOST_DEVICE static unsigned line(unsigned thread, unsigned s) {
    return thread / in_line + s * lines;
  }
  PRETEXT_HOST_DEVICE static unsigned within(unsigned thread) { return thread % in_line * 8; }

  template <unsigned N>
  PRETEXT_HOST_DEVICE void set(unsigned s, unsigned at, const bfloat16* from) {
    using vec_type = aligned_vec<bfloat16, N>;
    const vec_type values = from ? *reinterpret_cast<const vec_type*>(from) : vec_type{};
    for (unsigned k = 0; k < N; ++k) chunk_[s].of[at + k] = values.of[k];
  }

  decltype(std::declval<Side>().across(0)) across_[along_depth ? chunks : 1];
  chunk chunk_[chunks];
};

}  // namespace pretext::inline v0_1::grid
