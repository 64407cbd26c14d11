// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/divisor.hpp>
#include <pretext/devices/grid/kernel.hpp>

namespace pretext::inline v0_1::grid {

/// to (columns, rows) = fromᵀ of (rows, columns), or to += fromᵀ. Tiles go through shared memory, so that
/// both the reads and the writes of neighbouring threads are contiguous; the padding column avoids bank
/// conflicts.
template <class From, class To>
struct transpose_matrix {
  static constexpr unsigned threads = 256, side = 32, tall = threads / side;
  using R = arithmetic<To>;
  struct shared {
    R of[side][side + 1];
  };
  std::size_t rows, columns;
  const From* from;
  To* to;
  bool accumulate;
  divisor across{ceil_div(columns, side)};  ///< squares in a row of squares

  constexpr std::size_t blocks() const { return ceil_div(rows, side) * ceil_div(columns, side); }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& square = block.shared().of;
    const auto index = static_cast<std::uint32_t>(block.index()), down = across.quotient(index);
    const std::size_t top = std::size_t{down} * side,
                      left = std::size_t{index - down * across.value()} * side;
    block.for_each_thread([&](unsigned thread) {
      for (unsigned r = thread / side, c = thread % side; r < side; r += tall)
        if (top + r < rows && left + c < columns)
          square[r][c] = static_cast<R>(from[(top + r) * columns + left + c]);
    });
    block.for_each_thread([&](unsigned thread) {
      for (unsigned c = thread / side, r = thread % side; c < side; c += tall) {
        if (top + r >= rows || left + c >= columns) continue;
        To& there = to[(left + c) * rows + top + r];
        there = static_cast<To>(accumulate ? static_cast<R>(there) + square[r][c] : square[r][c]);
      }
    });
  }
};

template <class Context, class From, class To>
void transpose(Context& context, std::size_t rows, std::size_t columns, const From* from, To* to,
               bool accumulate = false) {
  const transpose_matrix<From, To> work{rows, columns, from, to, accumulate};
  if (work.blocks() > 0) launch(context.stream, work.blocks(), work);
}

}  // namespace pretext::inline v0_1::grid
