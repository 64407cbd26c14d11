// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/expects.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/convolution/explicit_im2col.hpp>
#include <pretext/kernels/gpu/convolution/patch_operands.hpp>
#include <pretext/kernels/gpu/convolution/stride_phases.hpp>
#include <pretext/kernels/gpu/gemm/tensor_product.hpp>
#include <pretext/kernels/gpu/gemm/tiled_product.hpp>

namespace pretext::inline v0_1::grid {

/// Implicit GEMM, which never stores the matrix of patches: on tensor cores if activations are bfloat16,
/// else in full precision. With TF32 numerics the patches are stored and multiplied by `gemm` instead,
/// which has TF32 products.
template <class Device>
struct implicit_gemm {
  using gemm = kernels::gemm<Device>;
  using op = kernels::op;
  using write_mode = kernels::write_mode;
  using convolution_extents = kernels::convolution_extents;

  /// Whether the convolution is a plain matrix product of its arguments.
  static constexpr bool pointwise(const convolution_extents& e) {
    return e.taps() == 1 && e.stride == 1 && e.padding == 0;
  }

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    const std::size_t positions = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm::run(context, op::none, op::none, positions, e.out, e.in, x, w, y, write_mode::overwrite);
    else if constexpr (in_tf32<Context, T>)
      explicit_im2col<Device>::forward(context, e, batch, x, w, y);
    else
      multiply<T>(context, positions, e.out, e.taps() * e.in, patch_matrix<T>{e, x}, matrix<T>{w, e.out},
                  rows_in_order<T>{y, e.out}, write_mode::overwrite);
  }

  template <class Context, class T>
  static void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, write_mode mode) {
    const std::size_t pixels = batch * e.height * e.width;
    if (pointwise(e))
      gemm::run(context, op::none, op::transposed, pixels, e.in, e.out, dy, w, dx, mode);
    else if constexpr (in_tf32<Context, T>)
      explicit_im2col<Device>::backward_data(context, e, batch, dy, w, dx, mode);
    else
      backward_data_by_phases(context, e, batch, dy, w, dx, mode);
  }

  template <class Context, class T, class W>
  static void backward_weights(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    const std::size_t positions = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm::run(context, op::transposed, op::none, e.in, e.out, positions, x, dy, dw, write_mode::accumulate);
    else if constexpr (in_tf32<Context, T>)
      explicit_im2col<Device>::backward_weights(context, e, batch, x, dy, dw);
    else
      multiply<T>(context, e.taps() * e.in, e.out, positions, transposed_patch_matrix<T>{{e, x}},
                  matrix<T>{dy, e.out}, rows_in_order<W>{dw, e.out}, write_mode::accumulate);
  }

 private:
  template <class Context, class T>
  static constexpr bool in_tf32 = rounds_operands<Context>() && !std::is_same_v<T, bfloat16>;

  template <class Context, class T>
  static void backward_data_by_phases(Context& context, const convolution_extents& e, std::size_t batch,
                                      const T* dy, const T* w, T* dx, write_mode mode) {
    for (std::size_t row = 0; row < e.stride; ++row)
      for (std::size_t column = 0; column < e.stride; ++column) {
        const stride_phase phase{e, row, column};
        if (phase.taps() == 0 && mode == write_mode::accumulate) continue;
        multiply<T>(context, batch * phase.pixels(), e.in, phase.taps() * e.out, phase_outputs<T>{phase, dy},
                    transposed_weights<T>{phase, w}, phase_pixels<T>{phase, dx}, mode);
      }
  }

  template <class T, class Context, class A, class B, class Result>
  static void multiply(Context& context, std::size_t m, std::size_t n, std::size_t k, const A& a, const B& b,
                       const Result& result, write_mode mode) {
    expects(m < max_index && n < max_index && k < max_index,
            "the convolution has more than 2^31 positions: use a smaller batch");
    if constexpr (std::is_same_v<T, bfloat16>)
      tensor_multiply_into(context, {m, n, k}, a, b, result, mode);
    else
      multiply_into(context, {m, n, k}, a, b, result, mode);
  }
  static constexpr std::size_t max_index = std::size_t{1} << 31;
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Implicit GEMM. With cuDNN, `convolution<cuda_gpu>` is the specialization of convolution/cudnn.cuh.
template <Accelerator Device>
struct convolution<Device> : grid::implicit_gemm<Device> {};

}  // namespace pretext::inline v0_1::kernels
