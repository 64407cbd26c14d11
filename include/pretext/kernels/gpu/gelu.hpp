// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <type_traits>

#include <pretext/kernels/gelu.hpp>
#include <pretext/kernels/gpu/block/column_loop.hpp>
#include <pretext/kernels/gpu/block/column_sums.hpp>

namespace pretext::inline v0_1::grid {

/// GELU at x. Where results are stored as bfloat16, the polynomial is shorter, and a GPU takes the
/// exponential and the reciprocal from its units for approximations: relative errors are below 2⁻¹⁴, those of
/// bfloat16 are 2⁻⁹.
template <class T, class R>
PRETEXT_HOST_DEVICE kernels::gelu_point<R> gelu_at(R x) {
  if constexpr (std::is_same_v<T, bfloat16>) {
#ifdef __CUDA_ARCH__
    return kernels::gelu_for_bfloat16(x, __expf(-0.5f * x * x),
                                      __fdividef(1.0f, kernels::gelu_denominator(x)));
#else
    return kernels::gelu_for_bfloat16(x, std::exp(-0.5f * x * x), 1.0f / kernels::gelu_denominator(x));
#endif
  } else {
    return kernels::gelu_at(x, std::exp(R(-0.5) * x * x));
  }
}

/// y = gelu(x + bias) and its slope; x may alias either.
template <class T, class W>
struct gelu_forward {
  const T* x;
  const W* bias;
  bool aligned_bias;
  T *y, *slope;

  template <unsigned N>
  struct of_column {
    const T* x;
    T *y, *slope;
    bool biased;
    vec<W, N> offset;

    PRETEXT_HOST_DEVICE auto read(std::size_t i) const { return load<N>(x + i); }
    PRETEXT_HOST_DEVICE void write(std::size_t i, vec<arithmetic<T>, N> value) const {
      vec<arithmetic<T>, N> derivative;
      if (biased)
        for (unsigned k = 0; k < N; ++k) value[k] += offset[k];
      for (unsigned k = 0; k < N; ++k) {
        const auto point = gelu_at<T>(value[k]);
        value[k] = point.value;
        derivative[k] = point.slope;
      }
      store<N>(y + i, value);
      if (slope) store<N>(slope + i, derivative);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t, std::size_t c) const {
    of_column<N> of{x, y, slope, bias != nullptr, {}};
    if (bias) of.offset = load<N>(bias + c, aligned_bias);
    return of;
  }
};

/// dx = slope∘dy; its column sums are the gradient of the bias.
template <class T>
struct gelu_backward {
  std::size_t columns;
  const T *slope, *dy;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&term)[1]) const {
    const std::size_t at = r * columns + c;
    const auto s = load<N>(slope + at), d = load<N>(dy + at);
    for (unsigned k = 0; k < N; ++k) term[0][k] = s[k] * d[k];
    store<N>(dx + at, term[0]);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One vectorized pass forward; the backward pass also sums the columns for the bias gradient.
template <Accelerator Device>
struct gelu<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, std::size_t rows, std::size_t columns, const T* x, const W* bias,
                      T* y, T* slope) {
    grid::for_each_column<T>(context, rows, columns, 1, {x, y, slope},
                             grid::gelu_forward<T, W>{x, bias, grid::is_aligned(bias), y, slope});
  }
  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t rows, std::size_t columns, const T* slope, const T* dy,
                       T* dx, W* dbias) {
    W* const totals[] = {dbias};
    grid::add_column_sums<T>(context, rows, columns, totals, {slope, dy, dx},
                             grid::gelu_backward<T>{columns, slope, dy, dx});
  }
};

}  // namespace pretext::inline v0_1::kernels
