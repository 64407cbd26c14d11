// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext::inline v0_1::kernels {
namespace detail {

/// Calls `work(begin, end)` for ranges of [0, n) in parallel, vectorised.
template <class Context, class Work>
void vectorised_for(Context& context, std::size_t n, const Work& work) {
  context.stream.for_each_run(n, std::size_t{1} << 15, [&](std::size_t first, std::size_t last) {
    vectorised([&] { work(first, last); });
  });
}

}  // namespace detail

/// One vectorised pass.
template <>
struct relu<cpu> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t n, const T* x, T* y) {
    detail::vectorised_for(context, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] = x[i] < T{0} ? T{0} : x[i];
    });
  }
  template <class Context, class T>
  static void backward(Context& context, std::size_t n, const T* y, const T* dy, T* dx) {
    detail::vectorised_for(context, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const T slope = dy[i];  // a load under a condition becomes a branch
        dx[i] = y[i] > T{0} ? slope : T{0};
      }
    });
  }
};

/// One vectorised pass each.
template <>
struct elementwise<cpu> {
  template <class Context, class T>
  static void axpy(Context& context, std::size_t n, T a, const T* x, T* y) {
    detail::vectorised_for(context, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] += a * x[i];
    });
  }
  template <class Context, class T>
  static void lerp(Context& context, std::size_t n, T a, const T* x, T* y) {
    detail::vectorised_for(context, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] = a * y[i] + (T{1} - a) * x[i];
    });
  }
  template <class Context, class T>
  static void copy(Context& context, std::size_t n, const T* x, T* y) {
    detail::vectorised_for(
        context, n, [=](std::size_t first, std::size_t last) { std::copy(x + first, x + last, y + first); });
  }
};

/// One vectorised pass; column sums are those of simd/column_sums.hpp.
template <>
struct channel_bias<cpu> {
  template <class Context, class T>
  static void add(Context& context, std::size_t rows, std::size_t columns, const T* bias, T* y) {
    context.stream.for_each_run(rows, 64, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t r = first; r < last; ++r)
          for (std::size_t c = 0; c < columns; ++c) y[r * columns + c] += bias[c];
      });
    });
  }
  template <class Context, class T>
  static void sum(Context& context, std::size_t rows, std::size_t columns, const T* dy, T* dbias) {
    T* const totals[] = {dbias};
    detail::sum_columns(context, rows, columns, totals, [=](std::size_t first, std::size_t last, T* partial) {
      for (std::size_t r = first; r < last; ++r)
        for (std::size_t c = 0; c < columns; ++c) partial[c] += dy[r * columns + c];
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
