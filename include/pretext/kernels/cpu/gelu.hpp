// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/exponential.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/gelu.hpp>

namespace pretext::inline v0_1::kernels {

/// Rows are processed in runs of 64 elements in registers: exponentials first (simd/exponential.hpp), then
/// the polynomial. The derivative is stored forward, so that backward is one multiplication.
template <>
struct gelu<cpu> {
  static constexpr bool keeps_input = false;

  template <class Context, class T>
  static void forward(Context& context, std::size_t rows, std::size_t columns, const T* x, const T* bias,
                      T* y, T* slope) {
    context.stream.for_each_run(
        rows, detail::rows_of_block(columns), [=](std::size_t first, std::size_t last) {
          vectorised([=] {
            for (std::size_t r = first; r < last; ++r)
              row(0, columns, x + r * columns, bias, y + r * columns, slope ? slope + r * columns : nullptr);
          });
        });
  }

  /// Columns [first, last) of one row; to be called within `vectorised`.
  template <class T>
  static void row(std::size_t first, std::size_t last, const T* x, const T* bias, T* y, T* slope) {
    for (; first + run <= last; first += run) process_run<run>(first, run, x, bias, y, slope);
    if (first < last) process_run<0>(first, last - first, x, bias, y, slope);
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t rows, std::size_t columns, const T* slope,
                       const T* /*bias*/, const T* dy, T* dx, T* dbias) {
    T* const totals[] = {dbias};
    detail::sum_columns(context, rows, columns, totals, [=](std::size_t first, std::size_t last, T* partial) {
      for (std::size_t r = first; r < last; ++r) {
        const std::size_t at = r * columns;
        for (std::size_t c = 0; c < columns; ++c) {
          const T g = slope[at + c] * dy[at + c];
          dx[at + c] = g;
          partial[c] += g;
        }
      }
    });
  }

 private:
  static constexpr std::size_t run = 64;

  /// Up to `run` elements of a row: `Count` of them unless that is 0, because copies of unknown length cost
  /// more than the arithmetic.
  template <std::size_t Count, class T>
  static void process_run(std::size_t at, std::size_t rest, const T* x, const T* bias, T* y, T* slope) {
    const std::size_t count = Count ? Count : rest;
    T in[run]{}, value[run], derivative[run];
    for (std::size_t i = 0; i < count; ++i) in[i] = x[at + i];
    for (std::size_t i = 0; bias && i < count; ++i) in[i] += bias[at + i];
    activate(in, value, derivative);
    for (std::size_t i = 0; i < count; ++i) y[at + i] = value[i];
    for (std::size_t i = 0; slope && i < count; ++i) slope[at + i] = derivative[i];
  }

  template <class T>
  static void activate(const T (&x)[run], T (&value)[run], T (&slope)[run]) {
    T half_square[run], e[run];
    for (std::size_t i = 0; i < run; ++i) half_square[i] = T(0.5) * x[i] * x[i];
    const T zero[run]{};
    negative_exponentials<run>(
        zero, [&](std::size_t i) { return half_square[i]; }, e);
    for (std::size_t i = 0; i < run; ++i) {
      const gelu_point<T> point = gelu_at(x[i], e[i]);
      value[i] = point.value;
      slope[i] = point.slope;
    }
  }
};

}  // namespace pretext::inline v0_1::kernels
