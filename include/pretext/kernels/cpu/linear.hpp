// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/linear.hpp>

namespace pretext::inline v0_1::kernels {

/// Each function is a product whose epilogue (gemm.hpp) adds the bias, applies GELU or its slope, and adds
/// the residual while a block is in the cache.
template <>
struct linear<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const linear_extents& e, const T* x, const T* w,
                      const linear_epilogue<T>& terms, T* y) {
    const auto epilogue = [=](const output_block& block) {
      if (!terms.bias && !terms.shortcut && !terms.branch_scale) return;
      vectorised([=] {
        for (std::size_t r = block.top; r < block.bottom; ++r) {
          T* to = y + r * e.out;
          const T scale = terms.branch_scale ? terms.branch_scale[r / terms.tokens] : T{1};
          if (terms.bias)
            for (std::size_t c = block.left; c < block.right; ++c) to[c] += terms.bias[c];
          if (terms.branch_scale)
            for (std::size_t c = block.left; c < block.right; ++c) to[c] *= scale;
          if (terms.shortcut)
            for (std::size_t c = block.left; c < block.right; ++c) to[c] += terms.shortcut[r * e.out + c];
        }
      });
    };
    gemm<cpu>::run_with_epilogue(context, op::transposed, e.rows, e.out, e.in, x, w, y, epilogue);
  }

  template <class Context, class T>
  static void forward_gelu(Context& context, const linear_extents& e, const T* x, const T* w, const T* bias,
                           T* y, T* slope) {
    T* const product = slope ? slope : y;
    const auto epilogue = [=](const output_block& block) {
      vectorised([=] {
        for (std::size_t r = block.top; r < block.bottom; ++r)
          gelu<cpu>::row(block.left, block.right, product + r * e.out, bias, y + r * e.out,
                         slope ? slope + r * e.out : nullptr);
      });
    };
    gemm<cpu>::run_with_epilogue(context, op::transposed, e.rows, e.out, e.in, x, w, product, epilogue);
  }

  template <class Context, class T>
  static bool backward_gelu(Context& context, const linear_extents& e, const T* dy, const T* w,
                            const T* slope, const T* /*bias*/, T* dx, T* dbias) {
    const std::size_t blocks = (e.rows + output_block::fixed_rows - 1) / output_block::fixed_rows;
    const arena_scope guard{context.workspace};
    T* const partial = context.workspace.template allocate<T>(blocks * e.in);
    const auto epilogue = [=](const output_block& block) {
      T* block_sums = partial + block.top / output_block::fixed_rows * e.in;
      vectorised([=] {
        for (std::size_t c = block.left; c < block.right; ++c) block_sums[c] = T{0};
        for (std::size_t r = block.top; r < block.bottom; ++r)
          for (std::size_t c = block.left; c < block.right; ++c) {
            const T g = slope[r * e.in + c] * dx[r * e.in + c];
            dx[r * e.in + c] = g;
            block_sums[c] += g;
          }
      });
    };
    gemm<cpu>::run_with_epilogue(context, op::none, e.rows, e.in, e.out, dy, w, dx, epilogue,
                                 row_division::fixed);
    T* const totals[] = {dbias};
    detail::add_partial_sums(context, blocks, e.in, partial, totals);
    return true;
  }

  template <class Context, class T>
  static void backward_weights(Context& context, const linear_extents& e, const T* x, const T* dy, T* dw,
                               T* dbias) {
    gemm<cpu>::run(context, op::transposed, op::none, e.out, e.in, e.rows, dy, x, dw, write_mode::accumulate);
    if (dbias) channel_bias<cpu>::sum(context, e.rows, e.out, dy, dbias);
  }
};

}  // namespace pretext::inline v0_1::kernels
