#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/gemm/bfloat16_pairs.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>

namespace pretext::kernels::detail {

/// One kernel tap as a gather sees it: which pixel it reads, seen from the pixel it writes, and which
/// weights.
struct tap {
  std::ptrdiff_t down, right;
  std::size_t weights;
};

/// Images whose pixels (a·step + down, b·step + right) are gathered for every pixel (a, b) of a grid and
/// multiplied by packed weights. Forward is one of these; backward to the data is one for each residue of the
/// stride.
template <class Operand>
struct implicit_gemm {
  using number = sum_of<Operand>;
  const number* from;
  std::size_t from_height, from_width, depth;
  number* to;
  std::size_t to_size, columns;                        ///< numbers per result image, channels of the result
  std::size_t height, width;                           ///< the grid
  std::size_t first, row_stride, column_stride, step;  ///< where grid pixels lie in the result, in pixels
  const tap* taps;
  std::size_t tap_count;
  const Operand* packed;  ///< panels of `panel_step` numbers
  std::size_t panel_step;
  bool accumulate;
};

inline constexpr std::size_t max_taps = 64;
/// Grid pixels that a thread gathers at a time: a multiple of the rows of every register tile.
inline constexpr std::size_t block_rows = 96;
static_assert(block_rows % max_tile_rows == 0);

/// The rows of images, counted over a whole batch, that pixels [begin, end) of a gather's grid read.
struct rows_read {
  std::size_t first, last;

  template <class Operand>
  rows_read(const implicit_gemm<Operand>& g, std::ptrdiff_t highest, std::ptrdiff_t lowest, std::size_t begin,
            std::size_t end)
      : first{row(g, begin, highest)}, last{row(g, end - 1, lowest + 1)} {}

  /// The most that `count` pixels read.
  template <class Operand>
  static std::size_t most(const implicit_gemm<Operand>& g, std::ptrdiff_t highest, std::ptrdiff_t lowest,
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

/// Runs a gather, a block of pixels at a time; of what it reads, each block makes pairs where those are its
/// factors. The moments of a result can be asked for where its pixels are the grid's.
template <class Operand, class Context>
void run_implicit_gemm(Context& context, const implicit_gemm<Operand>& g, std::size_t batch,
                       const channel_moments* requested = nullptr) {
  constexpr bool rounds = !std::is_same_v<Operand, sum_of<Operand>>;
  const std::size_t rows = batch * g.height * g.width, pixels = g.height * g.width;
  const std::size_t height = tile_rows(), width = panel_width<Operand>(), depth = operands<Operand>(g.depth);
  // Pixels whose taps all lie inside the image need no question for each of them.
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
  Operand* const zeros = context.workspace.template allocate<Operand>(depth);
  std::fill_n(zeros, depth, Operand{});
  const std::size_t most =
      rounds ? rows_read::most(g, highest, lowest, block_rows) * g.from_width * depth : 0;
  Operand* const rounded = context.workspace.template allocate<Operand>(context.stream.threads() * most);
  context.stream.for_each_block(
      (rows + block_rows - 1) / block_rows, [&](std::size_t block, std::size_t thread) {
        const std::size_t first = block * block_rows, last = std::min(rows, first + block_rows);
        const Operand* source;  // pixel `origin` of the batch stands here
        std::size_t origin = 0;
        if constexpr (rounds) {
          Operand* own = rounded + thread * most;
          const rows_read read{g, highest, lowest, first, last};
          origin = read.first * g.from_width;
          const std::size_t count = read.last * g.from_width - origin;
          if (g.depth % 2 == 0)
            round_rows(g.from + origin * g.depth, 1, 0, count * g.depth, own, 0);
          else
            round_rows(g.from + origin * g.depth, count, g.depth, g.depth, own, depth);
          source = own;
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
            const std::size_t start = sample * g.from_height * g.from_width - origin;  // may lie before it
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
                const auto y =
                    static_cast<std::size_t>(top + g.taps[t].down);  // outside either side is too large
                const auto x = static_cast<std::size_t>(left + g.taps[t].right);
                const bool inside = y < g.from_height && x < g.from_width;
                pointers[t * height + r] = inside ? source + (start + y * g.from_width + x) * depth : zeros;
              }
            }
            if (row + r + 1 >= last) continue;  // the last tile is filled up with its last pixel
            if (++b < g.width) continue;
            b = 0;
            if (++a < g.height) continue;
            a = 0;
            ++sample;
          }
        }
        const Operand* weights[max_taps];
        for (std::size_t panel = 0; panel < panels<Operand>(g.columns); ++panel) {
          const std::size_t column = panel * width, used = std::min(width, g.columns - column);
          for (std::size_t t = 0; t < g.tap_count; ++t)
            weights[t] = g.packed + panel * g.panel_step + g.taps[t].weights * depth * width;
          for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
            sum_of<Operand>* corner[max_tile_rows];
            for (std::size_t r = 0; r < height; ++r) corner[r] = result[tile * height + r] + column;
            const std::size_t m = std::min(height, last - row);
            run_tile(gathered_product<Operand>{pixel + tile * g.tap_count * height, weights, g.tap_count,
                                               depth, corner, m, used, g.accumulate});
          }
        }
        moments.add_rows(g.to, first, last, 0, g.columns);
      });
  moments.combine(context.stream);
}

}  // namespace pretext::kernels::detail
