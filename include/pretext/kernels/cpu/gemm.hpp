// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/core/constant_weights.hpp>
#include <pretext/core/function_ref.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/gemm/pack_pairs.hpp>
#include <pretext/kernels/cpu/gemm/tile.hpp>
#include <pretext/kernels/cpu/gemm/transposed_product.hpp>
#include <pretext/kernels/cpu/simd/prefetch.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::inline v0_1::kernels {

/// A complete block of a product, rows [top, bottom) and columns [left, right), which is still in the cache
/// of the thread that computed it.
struct output_block {
  static constexpr std::size_t fixed_rows = 96;
  std::size_t top, bottom, left, right;
};

/// How many rows a block has: with `fixed`, output_block::fixed_rows of them or, at the bottom, fewer.
enum class row_division { chosen, fixed };

/// B is packed into panels for the register tile, a slice of the depth at a time that keeps a panel in the L2
/// cache; rows of A are read where they are stored, or rounded to bfloat16 pairs per block. Blocks of C run
/// in parallel. Aᵀ·B sums over a long depth and has its own loop, gemm/transposed_product.hpp.
template <>
struct gemm<cpu> {
  template <class Context, class T>
  static void run(Context& context, op a, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                  const T* B, T* C, write_mode mode) {
    if (k == 0) {
      if (mode == write_mode::overwrite) std::fill_n(C, m * n, T{0});
    } else if (a == op::none) {
      product(context, b, m, n, k, A, B, C, mode, [](const output_block&) {});
    } else {
      const auto columns = [&](const detail::strips<operand_of<Context, T>>& strips, std::size_t begin,
                               std::size_t end, std::size_t first, std::size_t length) {
        const T* corner = A + first * m + begin;
        strips.pack(0, end - begin, 0, length, [&](std::size_t i) { return corner + i * m; });
      };
      detail::transposed_product(context, m, n, k, columns, B, b, C, mode);
    }
  }

  /// C = A·B; calls `epilogue(block)` once for each block of C, concurrently, when the block is complete.
  /// Requires k > 0.
  template <class Context, class T>
  static void run_with_epilogue(Context& context, op b, std::size_t m, std::size_t n, std::size_t k,
                                const T* A, const T* B, T* C,
                                function_ref<void(const output_block&)> epilogue,
                                row_division division = row_division::chosen) {
    product(context, b, m, n, k, A, B, C, write_mode::overwrite, epilogue, division);
  }

 private:
  /// Prefetches rows [first, last), which are needed next: the hardware prefetcher does not follow that many
  /// streams.
  template <class T>
  static void prefetch_rows(const T* matrix, std::size_t first, std::size_t last, std::size_t step,
                            std::size_t length) {
    for (std::size_t row = first; row < last; ++row)
      for (std::size_t i = 0; i < length; i += 64 / sizeof(T))
        detail::prefetch_line_to_l2(matrix + row * step + i);
  }

  /// C (+)= A·B.
  template <class Context, class T>
  static void product(Context& context, op b, std::size_t m, std::size_t n, std::size_t k, const T* A,
                      const T* B, T* C, write_mode mode, function_ref<void(const output_block&)> epilogue,
                      row_division division = row_division::chosen) {
    using operand = operand_of<Context, T>;
    constexpr bool rounds = !std::is_same_v<operand, T>;
    const arena_scope guard{context.workspace};
    const std::size_t width = panel_width<T>(), height = tile_rows(), columns = panels<T>(n);
    const std::size_t depth = std::min<std::size_t>(k, 1024);  // a panel of this depth fits the L2 cache
    const std::size_t lines = operands<operand>(depth);
    const std::size_t packed_size = columns * width * lines;
    const auto pack = [&](std::size_t done, operand* to) {
      const std::size_t slice = std::min(depth, k - done);
      context.stream.for_each_block(columns, [&](std::size_t panel) {
        if (b == op::none)
          pack_panels(B + done * n, slice, n, n, std::size_t{1}, to, panel, panel + 1, lines * width);
        else
          pack_panels(B + done, slice, n, std::size_t{1}, k, to, panel, panel + 1, lines * width);
      });
    };
    // Few rows, such as the tokens of one image, are one block: so each panel of B is read only once. Blocks
    // of rounded rows are fixed, because each block rounds its rows.
    constexpr std::size_t few_rows = 256;
    const std::size_t block_rows = !rounds && division == row_division::chosen && m <= few_rows
                                       ? std::max<std::size_t>(1, m)
                                       : output_block::fixed_rows;
    const operand* ready = nullptr;  // packed by an earlier call
    if (context.constants && context.constants->contains(B))
      ready = context.constants->template prepared<operand>(
          B, {n, k, std::size_t{b == op::none}}, (k + depth - 1) / depth * packed_size, [&](operand* to) {
            for (std::size_t done = 0; done < k; done += depth) pack(done, to + done / depth * packed_size);
          });
    operand* const scratch = context.workspace.template allocate<operand>(ready ? 0 : packed_size);
    [[maybe_unused]] operand* const rounded = context.workspace.template allocate<operand>(
        rounds ? context.stream.threads() * block_rows * lines : 0);
    for (std::size_t done = 0; done < k; done += depth) {
      const std::size_t slice = std::min(depth, k - done);
      if (!ready) pack(done, scratch);
      const operand* const packed = ready ? ready + done / depth * packed_size : scratch;
      const bool accumulate = mode == write_mode::accumulate || done > 0;
      // Few blocks, as few rows give, have fewer columns, so that all threads have work.
      constexpr std::size_t target_blocks = 16;
      const std::size_t down = (m + block_rows - 1) / block_rows,
                        divisions = (target_blocks + down - 1) / down,
                        block_panels = std::clamp<std::size_t>(columns / divisions, 1, 256 / width),
                        across = (columns + block_panels - 1) / block_panels;
      context.stream.for_each_block(
          down * across, [&](std::size_t block, [[maybe_unused]] std::size_t thread) {
            const std::size_t top = block / across * block_rows, bottom = std::min(m, top + block_rows);
            const std::size_t left = block % across * block_panels,
                              right = std::min(columns, left + block_panels);
            const operand* left_operand;
            std::size_t left_step = k;
            if constexpr (rounds) {
              left_step = lines;
              operand* thread_rows = rounded + thread * block_rows * lines;
              detail::round_rows(A + top * k + done, bottom - top, k, slice, thread_rows, lines);
              left_operand = thread_rows;
            } else {
              left_operand = A + top * k + done;
            }
            for (std::size_t panel = left; panel < right; ++panel) {
              const operand* right_operand = packed + panel * lines * width;
              const std::size_t first = panel * width, used = std::min(width, n - first);
              for (std::size_t row = top; row < bottom; row += height) {
                if (!rounds && panel == left && left % (256 / width) == 0)
                  prefetch_rows(A + done, row + height, std::min(m, row + 2 * height), k, slice);
                const std::size_t rows = std::min(height, bottom - row);
                const operand* left_rows[max_tile_rows];
                T* result[max_tile_rows];
                for (std::size_t r = 0; r < height; ++r) {
                  const std::size_t at = row + std::min(r, rows - 1);
                  left_rows[r] = left_operand + (at - top) * left_step;
                  result[r] = C + at * n + first;
                }
                run_tile(gathered_product<operand>{left_rows, &right_operand, 1, operands<operand>(slice),
                                                   result, rows, used, accumulate});
              }
            }
            if (done + slice == k)
              epilogue(output_block{top, bottom, left * width, std::min(n, right * width)});
          });
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
