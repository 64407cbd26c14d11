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

namespace pretext::kernels {

template <>
struct linear<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const linear_extents& e, const T* x, const T* w,
                      const linear_epilogue<T>& sum, T* y) {
    const auto finish = [=](const finished_block& at) {
      if (!sum.bias && !sum.shortcut && !sum.branch_scale) return;
      vectorised([=] {
        for (std::size_t r = at.top; r < at.bottom; ++r) {
          T* to = y + r * e.out;
          const T factor = sum.branch_scale ? sum.branch_scale[r / sum.tokens] : T{1};
          if (sum.bias)
            for (std::size_t c = at.left; c < at.right; ++c) to[c] += sum.bias[c];
          if (sum.branch_scale)
            for (std::size_t c = at.left; c < at.right; ++c) to[c] *= factor;
          if (sum.shortcut)
            for (std::size_t c = at.left; c < at.right; ++c) to[c] += sum.shortcut[r * e.out + c];
        }
      });
    };
    gemm<cpu>::run_and(context, op::transposed, e.rows, e.out, e.in, x, w, y, finish);
  }

  template <class Context, class T>
  static void forward_gelu(Context& context, const linear_extents& e, const T* x, const T* w, const T* bias,
                           T* y, T* slope) {
    T* const product = slope ? slope : y;
    const auto finish = [=](const finished_block& at) {
      vectorised([=] {
        for (std::size_t r = at.top; r < at.bottom; ++r)
          gelu<cpu>::row(at.left, at.right, product + r * e.out, bias, y + r * e.out,
                         slope ? slope + r * e.out : nullptr);
      });
    };
    gemm<cpu>::run_and(context, op::transposed, e.rows, e.out, e.in, x, w, product, finish);
  }

  template <class Context, class T>
  static void backward_gelu(Context& context, const linear_extents& e, const T* dy, const T* w,
                            const T* slope, T* dx, T* dbias) {
    const std::size_t blocks = (e.rows + finished_block::tall - 1) / finished_block::tall;
    const arena_scope guard{context.workspace};
    T* const partial = context.workspace.template allocate<T>(blocks * e.in);
    const auto finish = [=](const finished_block& at) {
      T* own = partial + at.top / finished_block::tall * e.in;
      vectorised([=] {
        for (std::size_t c = at.left; c < at.right; ++c) own[c] = T{0};
        for (std::size_t r = at.top; r < at.bottom; ++r)
          for (std::size_t c = at.left; c < at.right; ++c) {
            const T g = slope[r * e.in + c] * dx[r * e.in + c];
            dx[r * e.in + c] = g;
            own[c] += g;
          }
      });
    };
    gemm<cpu>::run_and(context, op::none, e.rows, e.in, e.out, dy, w, dx, finish);
    T* const totals[] = {dbias};
    detail::add_partial_sums(context, blocks, e.in, partial, totals);
  }

  template <class Context, class T>
  static void backward_weights(Context& context, const linear_extents& e, const T* x, const T* dy, T* dw,
                               T* dbias) {
    gemm<cpu>::run(context, op::transposed, op::none, e.out, e.in, e.rows, dy, x, dw, write_mode::accumulate);
    if (dbias) channel_bias<cpu>::sum(context, e.rows, e.out, dy, dbias);
  }
};

}  // namespace pretext::kernels
