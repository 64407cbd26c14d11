#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/tile.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::kernels {

template <>
struct gemm<cpu> {
  template <class Place, class T>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, T* C, into mode) {
    const borrowed guard{place.scratch};
    const std::size_t width = panel_width<T>(), height = tile_rows(), columns = panels<T>(n);
    const std::size_t depth = std::min<std::size_t>(k, 1024);  // a panel of that depth stays in the L2 cache
    T* packed = place.scratch.template take<T>(columns * width * depth);
    const T** gathered = place.scratch.template take<const T*>(a == op::transposed ? k : 0);
    for (std::size_t p = 0; a == op::transposed && p < k; ++p) gathered[p] = A + p * m;

    for (std::size_t done = 0; done < k || k == 0; done += depth) {
      const std::size_t part = std::min(depth, k - done);
      place.stream.for_each_run(columns, 8, [&](std::size_t first, std::size_t last) {
        if (b == op::as_is)
          pack_panels(B + done * n, part, n, n, std::size_t{1}, packed, first, last, depth * width);
        else
          pack_panels(B + done, part, n, std::size_t{1}, k, packed, first, last, depth * width);
      });
      const bool accumulate = mode == into::accumulate || done > 0;
      const std::size_t tall = 96, wide = 256 / width;
      const std::size_t down = (m + tall - 1) / tall, across = (columns + wide - 1) / wide;
      place.stream.for_each_block(down * across, [&](std::size_t block) {
        const std::size_t top = block / across * tall, bottom = std::min(m, top + tall);
        const std::size_t left = block % across * wide, right = std::min(columns, left + wide);
        for (std::size_t panel = left; panel < right; ++panel) {
          const T* right_operand = packed + panel * depth * width;
          const std::size_t first = panel * width, used = std::min(width, n - first);
          for (std::size_t row = top; row < bottom; row += height) {
            const std::size_t rows = std::min(height, bottom - row);
            T* corner = C + row * n + first;
            if (a == op::as_is) {
              const T* left_rows[most_tile_rows];
              T* result[most_tile_rows];
              for (std::size_t r = 0; r < height; ++r) {
                const std::size_t at = std::min(r, rows - 1);
                left_rows[r] = A + (row + at) * k + done;
                result[r] = corner + at * n;
              }
              run_tile(
                  gathered_product<T>{left_rows, &right_operand, 1, part, result, rows, used, accumulate});
            } else {
              run_tile(outer_product<T>{gathered + done, row, right_operand, width, part, corner, n, rows,
                                        used, accumulate});
            }
          }
        }
      });
      if (k == 0) break;
    }
  }
};

}  // namespace pretext::kernels
