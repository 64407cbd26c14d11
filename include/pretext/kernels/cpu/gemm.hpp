#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/tile.hpp>
#include <pretext/kernels/cpu/transposed_product.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::kernels {

template <>
struct gemm<cpu> {
  template <class Place, class T>
  static void run(Place& place, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, T* C, into mode) {
    if (k == 0) {
      if (mode == into::overwrite) std::fill_n(C, m * n, T{0});
    } else if (a == op::as_is) {
      product(place, b, m, n, k, A, B, C, mode);
    } else {
      const auto columns = [&](const detail::strips<T>& piece, std::size_t begin, std::size_t end,
                               std::size_t first, std::size_t length) {
        const T* corner = A + first * m + begin;
        piece.pack(0, end - begin, length, [&](std::size_t i) { return corner + i * m; });
      };
      detail::transposed_product(place, m, n, k, columns, B, b, C, mode);
    }
  }

 private:
  /// C (+)= A·B: B in panels, the rows of A where they lie.
  template <class Place, class T>
  static void product(Place& place, op b, std::size_t m, std::size_t n, std::size_t k, const T* A, const T* B,
                      T* C, into mode) {
    const borrowed guard{place.scratch};
    const std::size_t width = panel_width<T>(), height = tile_rows(), columns = panels<T>(n);
    const std::size_t depth = std::min<std::size_t>(k, 1024);  // a panel of that depth stays in the L2 cache
    T* packed = place.scratch.template take<T>(columns * width * depth);
    for (std::size_t done = 0; done < k; done += depth) {
      const std::size_t part = std::min(depth, k - done);
      place.stream.for_each_block(columns, [&](std::size_t panel) {
        if (b == op::as_is)
          pack_panels(B + done * n, part, n, n, std::size_t{1}, packed, panel, panel + 1, depth * width);
        else
          pack_panels(B + done, part, n, std::size_t{1}, k, packed, panel, panel + 1, depth * width);
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
            const T* left_rows[most_tile_rows];
            T* result[most_tile_rows];
            for (std::size_t r = 0; r < height; ++r) {
              const std::size_t at = row + std::min(r, rows - 1);
              left_rows[r] = A + at * k + done;
              result[r] = C + at * n + first;
            }
            run_tile(gathered_product<T>{left_rows, &right_operand, 1, part, result, rows, used, accumulate});
          }
        }
      });
    }
  }
};

}  // namespace pretext::kernels
