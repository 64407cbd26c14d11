#pragma once
#include <cstddef>
#include <utility>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// Tiles of a product's operands (tiled_product.hpp says what those are) on their way to shared memory.
namespace pretext::grid {

/// The left operand as the product sees either: so far across its depth, so far along it.
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

/// The right one.
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

/// One thread's pieces of the tiles that are Across×Deep of an operand, eight numbers each, as they lie: it
/// fetches those of the next tile while the block multiplies this one.
template <class Side, unsigned Across, unsigned Deep, unsigned Threads>
class staged_factors {
  static constexpr bool along_depth = Side::along_depth;
  static constexpr unsigned in_line = (along_depth ? Deep : Across) / 8, lines = Threads / in_line,
                            pieces = Across * Deep / 8 / Threads;
  static_assert(Threads % in_line == 0 && lines * in_line * 8 * pieces == Across * Deep);

 public:
  /// What the thread knows of all tiles at `left` across the operand.
  PRETEXT_HOST_DEVICE void start(const Side& side, unsigned thread, std::size_t left) {
    if constexpr (along_depth)
      for (unsigned s = 0; s < pieces; ++s) across_[s] = side.across(left + line(thread, s));
    else
      across_[0] = side.across(left + within(thread));
  }

  /// From the tile there and `top` deep, zeros beyond `width` and `end`. `Together` numbers lie side by side,
  /// and width or end, whichever they run along, is a multiple of it.
  template <unsigned Together>
  PRETEXT_HOST_DEVICE void fetch(const Side& side, unsigned thread, std::size_t left, std::size_t width,
                                 std::size_t top, std::size_t end) {
    for (unsigned k = 0; k < 8; k += Together)
      if constexpr (along_depth) {
        const std::size_t d = top + within(thread) + k;
        const auto depth = side.depth(d);
        for (unsigned s = 0; s < pieces; ++s) {
          const bool inside = left + line(thread, s) < width && d < end;
          put<Together>(s, k, inside ? side.where(across_[s], depth) : nullptr);
        }
      } else {
        const std::size_t i = left + within(thread) + k;
        const auto across = k == 0 ? across_[0] : side.across(i);
        for (unsigned s = 0; s < pieces; ++s) {
          const std::size_t d = top + line(thread, s);
          put<Together>(s, k, i < width && d < end ? side.where(across, side.depth(d)) : nullptr);
        }
      }
  }

  template <class Tile>
  PRETEXT_HOST_DEVICE void write(unsigned thread, Tile& tile) const {
    static_assert(Tile::lines == lines * pieces && Tile::length == in_line * 8);
    for (unsigned s = 0; s < pieces; ++s)
      *reinterpret_cast<piece*>(&tile.of[line(thread, s)][within(thread)]) = piece_[s];
  }

 private:
  using piece = aligned_vec<bfloat16, 8>;

  /// Neighbouring threads go along a line.
  PRETEXT_HOST_DEVICE static unsigned line(unsigned thread, unsigned s) {
    return thread / in_line + s * lines;
  }
  PRETEXT_HOST_DEVICE static unsigned within(unsigned thread) { return thread % in_line * 8; }

  template <unsigned Together>
  PRETEXT_HOST_DEVICE void put(unsigned s, unsigned at, const bfloat16* from) {
    using some = aligned_vec<bfloat16, Together>;
    const some numbers = from ? *reinterpret_cast<const some*>(from) : some{};
    for (unsigned k = 0; k < Together; ++k) piece_[s].of[at + k] = numbers.of[k];
  }

  decltype(std::declval<Side>().across(0)) across_[along_depth ? pieces : 1];
  piece piece_[pieces];
};

}  // namespace pretext::grid
