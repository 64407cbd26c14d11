#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/tile.hpp>

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
template <class T>
struct gather {
  const T* from;
  std::size_t from_height, from_width, depth;
  T* to;
  std::size_t to_size, columns;                        ///< numbers per result image, channels of the result
  std::size_t height, width;                           ///< the grid
  std::size_t first, row_stride, column_stride, step;  ///< where grid pixels lie in the result, in pixels
  const tap* taps;
  std::size_t tap_count;
  const T* packed;  ///< panels of `panel_step` numbers
  std::size_t panel_step;
  bool accumulate;
};

inline constexpr std::size_t most_taps = 64;
/// Grid pixels that a thread gathers at a time: a multiple of the rows of every register tile.
inline constexpr std::size_t block_rows = 96;
static_assert(block_rows % most_tile_rows == 0);

template <class T>
void run_gather(cpu::stream& stream, const gather<T>& g, std::size_t batch, const T* zeros) {
  const std::size_t rows = batch * g.height * g.width, pixels = g.height * g.width;
  const std::size_t height = tile_rows(), width = panel_width<T>();
  // Pixels whose taps all lie inside the image need no question for each of them.
  std::ptrdiff_t offset[most_taps], highest = 0, lowest = 0, leftmost = 0, rightmost = 0;
  for (std::size_t t = 0; t < g.tap_count; ++t) {
    offset[t] = (g.taps[t].down * static_cast<std::ptrdiff_t>(g.from_width) + g.taps[t].right) *
                static_cast<std::ptrdiff_t>(g.depth);
    highest = std::min(highest, g.taps[t].down);
    lowest = std::max(lowest, g.taps[t].down);
    leftmost = std::min(leftmost, g.taps[t].right);
    rightmost = std::max(rightmost, g.taps[t].right);
  }
  const auto image_height = static_cast<std::ptrdiff_t>(g.from_height);
  const auto image_width = static_cast<std::ptrdiff_t>(g.from_width);
  stream.for_each_run(rows, block_rows, [&](std::size_t first, std::size_t last) {
    static thread_local const T* pixel[block_rows * most_taps];
    T* result[block_rows];
    std::size_t sample = first / pixels, a = first % pixels / g.width, b = first % g.width;
    for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
      const T** pointers = pixel + tile * g.tap_count * height;
      for (std::size_t r = 0; r < height; ++r) {
        result[tile * height + r] =
            g.to + sample * g.to_size + (g.first + a * g.row_stride + b * g.column_stride) * g.columns;
        const T* source = g.from + sample * g.from_height * g.from_width * g.depth;
        const auto top = static_cast<std::ptrdiff_t>(a * g.step),
                   left = static_cast<std::ptrdiff_t>(b * g.step);
        if (top + highest >= 0 && top + lowest < image_height && left + leftmost >= 0 &&
            left + rightmost < image_width) {
          const T* centre = source + (top * image_width + left) * static_cast<std::ptrdiff_t>(g.depth);
          for (std::size_t t = 0; t < g.tap_count; ++t) pointers[t * height + r] = centre + offset[t];
        } else {
          for (std::size_t t = 0; t < g.tap_count; ++t) {
            const auto y =
                static_cast<std::size_t>(top + g.taps[t].down);  // outside either side is too large
            const auto x = static_cast<std::size_t>(left + g.taps[t].right);
            const bool inside = y < g.from_height && x < g.from_width;
            pointers[t * height + r] = inside ? source + (y * g.from_width + x) * g.depth : zeros;
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
    const T* weights[most_taps];
    for (std::size_t panel = 0; panel < panels<T>(g.columns); ++panel) {
      const std::size_t column = panel * width, used = std::min(width, g.columns - column);
      for (std::size_t t = 0; t < g.tap_count; ++t)
        weights[t] = g.packed + panel * g.panel_step + g.taps[t].weights * g.depth * width;
      for (std::size_t row = first, tile = 0; row < last; row += height, ++tile) {
        T* corner[most_tile_rows];
        for (std::size_t r = 0; r < height; ++r) corner[r] = result[tile * height + r] + column;
        const std::size_t m = std::min(height, last - row);
        run_tile(gathered_product<T>{pixel + tile * g.tap_count * height, weights, g.tap_count, g.depth,
                                     corner, m, used, g.accumulate});
      }
    }
  });
}

}  // namespace pretext::kernels::detail
