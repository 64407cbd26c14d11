// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/block/column_loop.hpp>
#include <pretext/kernels/gpu/elementwise.hpp>
#include <pretext/kernels/gpu/gelu.hpp>
#include <pretext/kernels/gpu/gemm/fused_gelu.hpp>
#include <pretext/kernels/gpu/gemm/fused_product.hpp>
#include <pretext/kernels/linear.hpp>

namespace pretext::inline v0_1::grid {

/// The epilogue of a linear layer as a separate pass: y = shortcut + branch_scale·(y + bias).
template <class T, class W>
struct apply_epilogue {
  kernels::linear_epilogue<T, W> sum;
  bool aligned_bias;
  std::size_t sample_size;  ///< elements that have one branch scale
  T* y;

  template <unsigned N>
  struct of_column {
    kernels::linear_epilogue<T, W> sum;
    std::size_t sample_size;
    T* y;
    vec<W, N> offset;

    struct element {
      vec<arithmetic<T>, N> value, addend;
    };
    PRETEXT_HOST_DEVICE element read(std::size_t i) const {
      element of{load<N>(y + i), {}};
      if (sum.shortcut) of.addend = load<N>(sum.shortcut + i);
      return of;
    }
    PRETEXT_HOST_DEVICE void write(std::size_t i, element of) const {
      auto& value = of.value;
      if (sum.bias)
        for (unsigned k = 0; k < N; ++k) value[k] += offset[k];
      if (sum.branch_scale) {
        const W scale = sum.branch_scale[i / sample_size];
        for (unsigned k = 0; k < N; ++k) value[k] *= scale;
      }
      if (sum.shortcut)
        for (unsigned k = 0; k < N; ++k) value[k] += of.addend[k];
      store<N>(y + i, value);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t, std::size_t c) const {
    of_column<N> of{sum, sample_size, y, {}};
    if (sum.bias) of.offset = load<N>(sum.bias + c, aligned_bias);
    return of;
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// A product whose epilogue the device's library computes if it can, else one extra pass. GELU is cuDNN's or
/// a separate pass: cuBLASLt's documentation does not say whether its GELU epilogue is exact, and PyTorch
/// treats it as the tanh approximation. Ours, like MAE's, is the exact one.
template <Accelerator Device>
struct linear<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, const linear_extents& e, const T* x, const T* w,
                      const linear_epilogue<T, W>& sum, T* y) {
    if (has_epilogue(sum) && grid::fused_product<Device>::add(context, e.rows, e.out, e.in, x, w,
                                                              sum.rounded_bias, sum.shortcut, y))
      return;
    gemm<Device>::run(context, op::none, op::transposed, e.rows, e.out, e.in, x, w, y, write_mode::overwrite);
    if (sum.bias || sum.shortcut || sum.branch_scale)
      grid::for_each_column<T>(
          context, e.rows, e.out, 1, {sum.shortcut, y},
          grid::apply_epilogue<T, W>{sum, grid::is_aligned(sum.bias), e.out * sum.tokens, y});
  }

  template <class Context, class T, class W>
  static void forward_gelu(Context& context, const linear_extents& e, const T* x, const T* w, const W* bias,
                           T* y, T* kept) {
    const auto separately = [&] {
      T* const product = kept ? kept : y;
      gemm<Device>::run(context, op::none, op::transposed, e.rows, e.out, e.in, x, w, product,
                        write_mode::overwrite);
      gelu<Device>::forward(context, e.rows, e.out, static_cast<const T*>(product), bias, y, kept);
    };
    if (!grid::fused_gelu<Device>::forward(context, e, x, w, bias, y, kept, separately)) separately();
  }

  template <class Context, class T, class W>
  static bool backward_gelu(Context& context, const linear_extents& e, const T* dy, const T* w, const T* kept,
                            const W* bias, T* dx, W* dbias) {
    const auto separately = [&] {
      gemm<Device>::run(context, op::none, op::none, e.rows, e.in, e.out, dy, w, dx, write_mode::overwrite);
      gelu<Device>::backward(context, e.rows, e.in, kept, bias, static_cast<const T*>(dx), dx, dbias);
    };
    if (grid::fused_gelu<Device>::backward(context, e, dy, w, kept, bias, dx, dbias, separately))
      return false;
    separately();
    return true;
  }

  template <class Context, class T, class W>
  static void backward_weights(Context& context, const linear_extents& e, const T* x, const T* dy, W* dw,
                               W* dbias) {
    const arena_scope guard{context.workspace};
    W* const sums = dbias ? context.workspace.template allocate<W>(e.out) : nullptr;
    if (dbias && grid::fused_product<Device>::sum_columns(context, e.out, e.in, e.rows, dy, x, dw, sums)) {
      elementwise<Device>::axpy(context, e.out, W{1}, sums, dbias);
      return;
    }
    gemm<Device>::run(context, op::transposed, op::none, e.out, e.in, e.rows, dy, x, dw,
                      write_mode::accumulate);
    if (dbias) channel_bias<Device>::sum(context, e.rows, e.out, dy, dbias);
  }

 private:
  /// Whether fused_product has this epilogue.
  template <class T, class W>
  static bool has_epilogue(const linear_epilogue<T, W>& sum) {
    return !sum.branch_scale && !sum.bias == !sum.rounded_bias && (sum.bias || sum.shortcut);
  }
};

}  // namespace pretext::inline v0_1::kernels
