// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/convolution/epilogue.hpp>
#include <pretext/kernels/cpu/gemm/bfloat16_pairs.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// One tap of the kernel: the offset of the pixel that it reads from the pixel that is written, and the index
/// of its weights.
struct tap {
  std::ptrdiff_t down, right;
  std::size_t weights;
};

/// A convolution as a matrix product whose left operand is never stored: for each pixel (a, b) of a grid, the
/// pixels (a·step + down, b·step + right) of an image, one per tap, are read through pointers and multiplied
/// by packed weights. Forward is one such product; the gradient of the data is one for each residue of the
/// stride.
template <class Operand>
struct implicit_gemm {
  using value_type = sum_of<Operand>;
  const value_type* from;
  std::size_t from_height, from_width, depth;
  value_type* to;
  std::size_t to_size, columns;                        ///< elements of a result image, channels of the result
  std::size_t height, width;                           ///< of the grid
  std::size_t first, row_stride, column_stride, step;  ///< positions of grid pixels in the result, in pixels
  const tap* taps;
  std::size_t tap_count;
  const Operand* packed;  ///< panels, `panel_step` operands apart
  std::size_t panel_step;
  bool accumulate;
};

inline constexpr std::size_t max_taps = 64;
/// Grid pixels of a block: a multiple of the rows of every register tile.
inline constexpr std::size_t block_rows = 96;
static_assert(block_rows % max_tile_rows == 0);

/// The rows of images, counted over the whole batch, that pixels [begin, end) of the grid read.
struct rows_read {
  std::size_t first, last;

  template <class Operand>
  rows_read(const implicit_gemm<Operand>& g, std::ptrdiff_t highest, std::ptrdiff_t lowest, std::size_t begin,
            std::size_t end)
      : first{row(g, begin, highest)}, last{row(g, end - 1, lowest + 1)} {}

  /// The maximum number of rows that `count` pixels read.
  template <class Operand>
  static std::size_t max_count(const implicit_gemm<Operand>& g, std::ptrdiff_t highest, std::ptrdiff_t lowest,
                               std::size_t count) {
    const std::size_t spanned = (count + g.height * g.width - 2) / (g.height * g.width);
    const std::size_t down = (count + g.width - 2) / g.width, used = g.height * g.step;
    return spanned * (g.from_height - std::min(g.from_height, used)) + down * g.step +
           static_cast<std::size_t>(lowest - highest) + 1;
  }

 private:
  template <class Operand>
  static std::size_t row(const implicit_gemm<Operand>& g, std::size_t pixel, std::ptrdiff_t shift) {
    const std::size_t sample = pixel / (g.height * g.width), a = pixel % (g.height * g.width) / g.width;
    const auto at = static_cast<std::ptrdiff_t>(a * g.step) + shift;
    return sample * g.from_height + static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(
                                        at, 0, static_cast<std::ptrdiff_t>(g.from_height)));
  }
};

/// Computes the product, a block of pixels at a time. With bfloat16 operands each block rounds the rows that
/// it reads. The moments of the result may be requested if the grid covers it.
template <class Operand, class Context>
void run_implicit_gemm(Context& context, const implicit_gemm<Operand>& g, std::size_t batch,
                       const channel_moments* requested = nullptr,
                       const convolution_epilogue<sum_of<Operand>>* finish = nullptr) {
  constexpr bool rounds = !std::is_same_v<Operand, sum_of<Operand>>;
  const std::size_t rows = batch * g.height * g.width, pixels = g.height * g.width;
  const std::size_t height = tile_rows(), width = panel_width<Operand>(), depth = operands<Operand>(g.depth);
  // Pixels whose taps are all inside the image need no check per tap.
  std::ptrdiff_t offset[max_taps], highest = 0, lowest = 0, leftmost = 0, rightmost = 0;
  for (std::size_t t = 0; t < g.tap_count; ++t) {
    offset[t] = (g.taps[t].down * static_cast<std::ptrdiff_t>(g.from_width) + g.taps[t].right) *
                static_cast<std::ptrdiff_t>(depth);
    highest = std::min(highest, g.taps[t].down);
    lowest = std::max(lowest, g.taps[t].down);
    leftmost = std::min(leftmost, g.taps[t].right);
    rightmost = std::max(rightmost, g.taps[t].right);
  }
  const auto image_height = static_cast<std::ptrdiff_t>(g.from_height);
  const auto image_width = static_cast<std::ptrdiff_t>(g.from_width);
  const arena_scope guard{context.workspace};
  const blocked_moments<sum_of<Operand>> moments{context, requested, g.columns, rows, block_rows};
  const applied_epilogue<sum_of<Operand>> epilogue{finish, g.to, g.columns};
  Operand* const zeros = context.workspace.template allocate<Operand>(depth);
  std::fill_n(zeros, depth, Operand{});
  const std::size_t max_count =
      rounds ? rows_read::max_count(g, highest, lowest, block_rows) * g.from_width * depth : 0;
  Operand* const rounded = context.workspace.template allocate<Operand>(context.stream.threads() * max_count);
  // Few pixels, as those of one image late in a network, give few blocks: their columns are divided, too.
  constexpr std::size_t target_units = 16;
  const std::size_t blocks = (rows + block_rows - 1) / block_rows, all_panels = panels<Operand>(g.columns);
  const std::size_t divisions = std::min(all_panels, (target_units + blocks - 1) / blocks);
  const std::size_t division = (all_panels + divisions - 1) / divisions;
  context.stream.for_each_block(blocks * divisions, [&](std::size_t unit, std::size_t thread) {
    const std::size_t first = unit / divisions * block_rows, last = std::min(rows, first + block_rows);
    const std::size_t first_panel = std::min(all_panels, unit % divisions * division),
                      last_panel = std::min(all_panels, first_panel + division);
    if (first_panel == last_panel) return;
    const Operand* source;  // points to pixel `origin` of the batch
    std::size_t origin = 0;
    if constexpr (rounds) {
      Operand* thread_rows = rounded + thread * max_count;
      const rows_read read{g, highest, lowest, first, last};
      origin = read.first * g.from_width;
      const std::size_t count = read.last * g.from_width - origin;
      if (g.depth % 2 == 0)
        round_rows(g.from + origin * g.depth, 1, 0, count * g.depth, thread_rows, 0);
      else
        round_rows(g.from + origin * g.depth, count, g.depth, g.depth, thread_rows, depth);
      source = thread_rows;
    } else {
      source = g.from;
    }
    static thread_local const Operand* pixel[block_rows * max_taps];
    sum_of<Operand>* result[block_rows];
    std::size_t sample = first / pixels, a = first % pixels / g.width, b = first % g.width;
    for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
      const Operand** pointers = pixel + tile * g.tap_count * height;
      for (std::size_t r = 0; r < height; ++r) {
        result[tile * height + r] =
            g.to + sample * g.to_size + (g.first + a * g.row_stride + b * g.column_stride) * g.columns;
        const std::size_t start = sample * g.from_height * g.from_width - origin;  // may wrap below zero
        const auto top = static_cast<std::ptrdiff_t>(a * g.step),
                   left = static_cast<std::ptrdiff_t>(b * g.step);
        if (top + highest >= 0 && top + lowest < image_height && left + leftmost >= 0 &&
            left + rightmost < image_width) {
          const auto centre = (static_cast<std::ptrdiff_t>(start) + top * image_width + left) *
                              static_cast<std::ptrdiff_t>(depth);
          for (std::size_t t = 0; t < g.tap_count; ++t)
            pointers[t * height + r] = source + (centre + offset[t]);
        } else {
          for (std::size_t t = 0; t < g.tap_count; ++t) {
            const auto y = static_cast<std::size_t>(top + g.taps[t].down);  // outside wraps to a large value
            const auto x = static_cast<std::size_t>(left + g.taps[t].right);
            const bool inside = y < g.from_height && x < g.from_width;
            pointers[t * height + r] = inside ? source + (start + y * g.from_width + x) * depth : zeros;
          }
        }
        if (row + r + 1 >= last) continue;  // the last tile repeats its last pixel
        if (++b < g.width) continue;
        b = 0;
        if (++a < g.height) continue;
        a = 0;
        ++sample;
      }
    }
    const Operand* weights[max_taps];
    for (std::size_t panel = first_panel; panel < last_panel; ++panel) {
      const std::size_t column = panel * width, used = std::min(width, g.columns - column);
      for (std::size_t t = 0; t < g.tap_count; ++t)
        weights[t] = g.packed + panel * g.panel_step + g.taps[t].weights * depth * width;
      for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
        sum_of<Operand>* corner[max_tile_rows];
        for (std::size_t r = 0; r < height; ++r) corner[r] = result[tile * height + r] + column;
        const std::size_t m = std::min(height, last - row);
        run_tile(gathered_product<Operand>{pixel + tile * g.tap_count * height, weights, g.tap_count, depth,
                                           corner, m, used, g.accumulate});
      }
    }
    const std::size_t left = first_panel * width, right = std::min(g.columns, last_panel * width);
    moments.add_rows(g.to, first, last, left, right);
    epilogue.apply_rows(first, last, left, right);
  });
  moments.combine(context.stream);
}

}  // namespace pretext::inline v0_1::kernels::detail
