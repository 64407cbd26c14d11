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

/// y = gelu(x + bias); x may alias it.
template <class T, class W>
struct gelu_forward {
  const T* x;
  const W* bias;
  bool aligned_bias;
  T *y, *kept;  ///< a copy of x, or null

  template <unsigned N>
  struct of_column {
    const T* x;
    T *y, *kept;
    bool biased;
    vec<W, N> offset;

    PRETEXT_HOST_DEVICE auto read(std::size_t i) const { return load<N>(x + i); }
    PRETEXT_HOST_DEVICE void write(std::size_t i, vec<arithmetic<T>, N> value) const {
      if (kept) store<N>(kept + i, value);
      if (biased)
        for (unsigned k = 0; k < N; ++k) value[k] += offset[k];
      for (unsigned k = 0; k < N; ++k) value[k] = gelu_at<T>(value[k]).value;
      store<N>(y + i, value);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t, std::size_t c) const {
    of_column<N> of{x, y, kept, bias != nullptr, {}};
    if (bias) of.offset = load<N>(bias + c, aligned_bias);
    return of;
  }
};

/// dx = gelu'(x + bias)∘dy; its column sums are the gradient of the bias.
template <class T, class W>
struct gelu_backward {
  std::size_t columns;
  const T *x, *dy;
  const W* bias;
  bool aligned_bias;
  T* dx;

  template <unsigned N>
  struct of_column {
    std::size_t columns;
    const T *x, *dy;
    T* dx;
    vec<W, N> offset;

    template <unsigned M>
    PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, M> (&term)[1]) const {
      static_assert(M == N);
      const std::size_t at = r * columns + c;
      const auto value = load<N>(x + at), d = load<N>(dy + at);
      for (unsigned k = 0; k < N; ++k) term[0][k] = gelu_at<T>(value[k] + offset[k]).slope * d[k];
      store<N>(dx + at, term[0]);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t, std::size_t c) const {
    of_column<N> of{columns, x, dy, dx, {}};
    if (bias) of.offset = load<N>(bias + c, aligned_bias);
    return of;
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One vectorized pass forward; the backward pass computes the derivative again, because storing it would
/// take as much memory traffic, and also sums the columns for the bias gradient.
template <Accelerator Device>
struct gelu<Device> {
  static constexpr bool keeps_input = true;

  template <class Context, class T, class W>
  static void forward(Context& context, std::size_t rows, std::size_t columns, const T* x, const W* bias,
                      T* y, T* kept) {
    grid::for_each_column<T>(
        context, rows, columns, 1, {x, y, kept},
        grid::gelu_forward<T, W>{x, bias, grid::is_aligned(bias), y, kept == x ? nullptr : kept});
  }
  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t rows, std::size_t columns, const T* x, const W* bias,
                       const T* dy, T* dx, W* dbias) {
    W* const totals[] = {dbias};
    grid::add_column_sums<T>(context, rows, columns, totals, {x, dy, dx},
                             grid::gelu_backward<T, W>{columns, x, dy, bias, grid::is_aligned(bias), dx});
  }
};

}  // namespace pretext::inline v0_1::kernels
