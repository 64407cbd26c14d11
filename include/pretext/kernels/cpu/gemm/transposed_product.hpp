// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/core/function_ref.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/gemm/pack_pairs.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>
#include <pretext/kernels/gemm.hpp>

// C (+)= Aᵀ·B, the gradient of weights: C has few rows and columns, and each element is a sum over all tokens
// or pixels of a batch. So the parallel loop divides the sum, too.
namespace pretext::inline v0_1::kernels::detail {

/// Rows of A and B that are multiplied at a time: a strip of A and a panel of B of this depth fit the L1
/// cache.
inline constexpr std::size_t product_depth = 192;
/// Columns of A and of B that a thread packs, which fit the L2 cache; whole strips of A.
inline constexpr std::size_t product_rows = 264, product_columns = 384;
static_assert(product_rows % max_tile_rows == 0);

/// A block of A packed into strips of as many columns as a tile has rows: strip s holds columns [s·height,
/// (s+1)·height) row by row, or pair of rows by pair of rows.
template <class Operand>
struct strips {
  Operand* data;
  std::size_t height = tile_rows();

  /// Packs columns [first, first + count) of rows [top, top + length) of the block; `top` is even, and
  /// `row(i)` points to the first of these columns in row top + i.
  template <class Row>
  void pack(std::size_t first, std::size_t count, std::size_t top, std::size_t length, const Row& row) const {
    if constexpr (std::is_same_v<Operand, bfloat16_pair>) {
      const float* rows[product_depth];
      for (std::size_t i = 0; i < length; ++i) rows[i] = row(i);
      round_down_rows(rows, length, count, first, height, data + top / 2 * height,
                      product_depth / 2 * height);
    } else {
      if (height == 12) pack<12>(first, count, top, length, row);
      if (height == 6) pack<6>(first, count, top, length, row);
    }
  }

 private:
  /// The height is a template parameter because a copy of known length is a few moves, another is a call.
  template <std::size_t Height, class Row>
  void pack(std::size_t first, std::size_t count, std::size_t top, std::size_t length, const Row& row) const {
    const std::size_t head = std::min((Height - first % Height) % Height, count);
    const std::size_t whole = (count - head) / Height, tail = count - head - whole * Height;
    Operand* corner = data + (first / Height * product_depth + top) * Height + first % Height;
    Operand* to = data + ((first + head) / Height * product_depth + top) * Height;
    for (std::size_t i = 0; i < length; ++i) {
      const Operand *from = row(i), *ahead = row(std::min(i + prefetch_distance, length - 1));
      for (std::size_t c = 0; c < count; c += 64 / sizeof(Operand)) prefetch_line(ahead + c);
      for (std::size_t c = 0; c < head; ++c) corner[i * Height + c] = from[c];
      from += head;
      Operand* line = to + i * Height;
      for (std::size_t s = 0; s < whole; ++s, from += Height, line += product_depth * Height)
        std::memcpy(line, from, Height * sizeof(Operand));
      for (std::size_t c = 0; c < tail; ++c) line[c] = from[c];
    }
  }
};

template <class Operand>
using pack_strips =
    function_ref<void(const strips<Operand>&, std::size_t, std::size_t, std::size_t, std::size_t)>;

/// C (+)= Aᵀ·op(B) with A (k, m) and op(B) (k, n). `pack(strips, begin, end, first, length)` packs columns
/// [begin, end) of rows [first, first + length) of A, where `first` is even. Long sums are divided into parts
/// whose count depends on the extents alone and which are added in order, so the result does not depend on
/// the number of threads.
template <class Context, class T>
void transposed_product(Context& context, std::size_t m, std::size_t n, std::size_t k,
                        pack_strips<operand_of<Context, T>> pack, const T* B, op b, T* C, write_mode mode) {
  using operand = operand_of<Context, T>;
  constexpr std::size_t target_parts = 16, depth = product_depth;
  const std::size_t width = panel_width<T>(), height = tile_rows();
  const std::size_t down = (m + product_rows - 1) / product_rows,
                    across = (n + product_columns - 1) / product_columns;
  const std::size_t divisions =
      std::clamp<std::size_t>(k / (2 * depth), 1, (target_parts + down * across - 1) / (down * across));
  const std::size_t part = ((k + divisions - 1) / divisions + depth - 1) / depth * depth;
  const std::size_t parts = std::max<std::size_t>(1, (k + part - 1) / part);
  constexpr std::size_t lines = operands<operand>(depth);
  const std::size_t of_a = product_rows * lines, of_b = product_columns * lines;

  const arena_scope guard{context.workspace};
  T* partial = context.workspace.template allocate<T>(parts > 1 ? parts * m * n : 0);
  operand* buffers = context.workspace.template allocate<operand>(context.stream.threads() * (of_a + of_b));
  context.stream.for_each_block(parts * down * across, [&](std::size_t unit, std::size_t thread) {
    const std::size_t top = unit / across % down * product_rows, bottom = std::min(m, top + product_rows);
    const std::size_t begin = unit % across * product_columns, end = std::min(n, begin + product_columns);
    const std::size_t start = unit / across / down * part, stop = std::min(k, start + part);
    const strips<operand> a{buffers + thread * (of_a + of_b)};
    operand* panel = a.data + of_a;
    T* result = (parts > 1 ? partial + unit / across / down * m * n : C) + top * n + begin;
    const operand* rows[lines];
    for (std::size_t i = 0; i < lines; ++i) rows[i] = a.data + i * height;
    for (std::size_t first = start; first < stop; first += depth) {
      const std::size_t length = std::min(depth, stop - first);
      const bool accumulate = first > start || (parts == 1 && mode == write_mode::accumulate);
      pack(a, top, bottom, first, length);
      pack_panels(b == op::none ? B + first * n + begin : B + begin * k + first, length, end - begin,
                  b == op::none ? n : 1, b == op::none ? 1 : k, panel, 0, panels<T>(end - begin),
                  lines * width);
      for (std::size_t column = 0; column < end - begin; column += width)
        for (std::size_t row = 0; row < bottom - top; row += height)
          run_tile(outer_product<operand>{rows, row * lines, panel + column * lines, width,
                                          operands<operand>(length), result + row * n + column, n,
                                          std::min(height, bottom - top - row),
                                          std::min(width, end - begin - column), accumulate});
    }
  });
  if (parts == 1) return;
  context.stream.for_each_run(m * n, 4096, [&](std::size_t first, std::size_t last) {
    vectorised([&] {
      if (mode == write_mode::overwrite) std::copy(partial + first, partial + last, C + first);
      for (std::size_t i = mode == write_mode::overwrite; i < parts; ++i) {
        const T* sums = partial + i * m * n;
        for (std::size_t at = first; at < last; ++at) C[at] += sums[at];
      }
    });
  });
}

}  // namespace pretext::inline v0_1::kernels::detail
