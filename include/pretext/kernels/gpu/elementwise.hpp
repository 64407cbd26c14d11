// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/gpu/block/column_loop.hpp>
#include <pretext/kernels/gpu/block/column_sums.hpp>

namespace pretext::inline v0_1::grid {

/// y = max(x, 0); NaN stays NaN.
template <class T>
struct relu_forward {
  const T* x;
  T* y;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    auto v = load<N>(x + i);
    for (unsigned k = 0; k < N; ++k) v[k] = v[k] < 0 ? 0 : v[k];
    store<N>(y + i, v);
  }
};
/// dx = dy where the output y is positive, else 0.
template <class T>
struct relu_backward {
  const T *y, *dy;
  T* dx;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const auto output = load<N>(y + i);
    auto d = load<N>(dy + i);
    for (unsigned k = 0; k < N; ++k) d[k] = output[k] > 0 ? d[k] : 0;
    store<N>(dx + i, d);
  }
};
/// y = a·x + b·y.
template <class T>
struct add_scaled {
  arithmetic<T> a, b;
  const T* x;
  T* y;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const auto from = load<N>(x + i);
    auto to = load<N>(y + i);
    for (unsigned k = 0; k < N; ++k) to[k] = a * from[k] + b * to[k];
    store<N>(y + i, to);
  }
};
/// Copies, converting between types.
template <class From, class To>
struct convert {
  const From* x;
  To* y;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const auto from = load<N>(x + i);
    vec<arithmetic<To>, N> to;
    for (unsigned k = 0; k < N; ++k) to[k] = static_cast<arithmetic<To>>(from[k]);
    store<N>(y + i, to);
  }
};
/// y += bias, row by row.
template <class T, class W>
struct add_bias {
  const W* bias;
  bool aligned_bias;
  T* y;

  template <unsigned N>
  struct of_column {
    T* y;
    vec<W, N> offset;
    PRETEXT_HOST_DEVICE auto read(std::size_t i) const { return load<N>(y + i); }
    PRETEXT_HOST_DEVICE void write(std::size_t i, vec<arithmetic<T>, N> to) const {
      for (unsigned k = 0; k < N; ++k) to[k] += offset[k];
      store<N>(y + i, to);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t, std::size_t c) const {
    return {y, load<N>(bias + c, aligned_bias)};
  }
};
/// The term of a plain column sum: the element.
template <class T>
struct entry {
  std::size_t columns;
  const T* x;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&term)[1]) const {
    term[0] = load<N>(x + r * columns + c);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One vectorized pass in each direction.
template <Accelerator Device>
struct relu<Device> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t n, const T* x, T* y) {
    grid::parallel_for_vec<T>(context, n, n, {x, y}, grid::relu_forward<T>{x, y});
  }
  template <class Context, class T>
  static void backward(Context& context, std::size_t n, const T* y, const T* dy, T* dx) {
    grid::parallel_for_vec<T>(context, n, n, {y, dy, dx}, grid::relu_backward<T>{y, dy, dx});
  }
};

/// One vectorized pass each.
template <Accelerator Device>
struct elementwise<Device> {
  template <class Context, class T>
  static void axpy(Context& context, std::size_t n, arithmetic<T> a, const T* x, T* y) {
    grid::parallel_for_vec<T>(context, n, n, {x, y}, grid::add_scaled<T>{a, 1, x, y});
  }
  template <class Context, class T>
  static void lerp(Context& context, std::size_t n, arithmetic<T> a, const T* x, T* y) {
    grid::parallel_for_vec<T>(context, n, n, {x, y}, grid::add_scaled<T>{1 - a, a, x, y});
  }
  template <class Context, class From, class To>
  static void copy(Context& context, std::size_t n, const From* x, To* y) {
    grid::parallel_for_vec<To>(context, n, n, {x, y}, grid::convert<From, To>{x, y});
  }
};

/// The bias as one vectorized pass, its gradient as a column sum.
template <Accelerator Device>
struct channel_bias<Device> {
  template <class Context, class T, class W>
  static void add(Context& context, std::size_t rows, std::size_t columns, const W* bias, T* y) {
    grid::for_each_column<T>(context, rows, columns, 1, {y},
                             grid::add_bias<T, W>{bias, grid::is_aligned(bias), y});
  }
  template <class Context, class T, class W>
  static void sum(Context& context, std::size_t rows, std::size_t columns, const T* dy, W* dbias) {
    W* const totals[] = {dbias};
    grid::add_column_sums<T>(context, rows, columns, totals, {dy}, grid::entry<T>{columns, dy});
  }
};

}  // namespace pretext::inline v0_1::kernels
