// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/lane_sums.hpp>
#include <pretext/kernels/layer_norm.hpp>

namespace pretext::inline v0_1::kernels {

/// Two sums per row, one after the other, while the row is in the L1 cache; dγ and dβ are column sums
/// (simd/column_sums.hpp).
template <>
struct layer_norm<cpu> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t rows, std::size_t columns, const T* x, T epsilon,
                      const T* gamma, const T* beta, T* y, T* mean, T* inverse) {
    const T per_column = T{1} / static_cast<T>(columns);
    context.stream.for_each_run(
        rows, detail::rows_of_block(columns), [=](std::size_t first, std::size_t last) {
          vectorised([=] {
            for (std::size_t r = first; r < last; ++r) {
              const T* from = x + r * columns;
              T* to = y + r * columns;
              const T m = per_column * detail::lane_sum<T>(columns, [=](std::size_t c) { return from[c]; });
              const T variance = per_column * detail::lane_sum<T>(columns, [=](std::size_t c) {
                                   return (from[c] - m) * (from[c] - m);
                                 });
              const T i = T{1} / std::sqrt(variance + epsilon);
              for (std::size_t c = 0; c < columns; ++c) to[c] = (from[c] - m) * i * gamma[c] + beta[c];
              if (mean) mean[r] = m;
              if (inverse) inverse[r] = i;
            }
          });
        });
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t rows, std::size_t columns, const T* dy, const T* x,
                       const T* mean, const T* inverse, const T* gamma, const T* shortcut, T* dx, T* dgamma,
                       T* dbeta) {
    const T per_column = T{1} / static_cast<T>(columns);
    T* const totals[] = {dgamma, dbeta};
    detail::sum_columns(context, rows, columns, totals, [=](std::size_t first, std::size_t last, T* partial) {
      for (std::size_t r = first; r < last; ++r) {
        const T *g = dy + r * columns, *from = x + r * columns;
        const T m = mean[r], i = inverse[r];
        for (std::size_t c = 0; c < columns; ++c) {
          partial[c] += g[c] * ((from[c] - m) * i);
          partial[columns + c] += g[c];
        }
        if (!dx) continue;
        const T sum =
            per_column * detail::lane_sum<T>(columns, [=](std::size_t c) { return g[c] * gamma[c]; });
        const T dot = per_column * detail::lane_sum<T>(columns, [=](std::size_t c) {
                        return g[c] * gamma[c] * ((from[c] - m) * i);
                      });
        T* to = dx + r * columns;
        if (shortcut) {
          const T* residual = shortcut + r * columns;
          for (std::size_t c = 0; c < columns; ++c)
            to[c] = residual[c] + i * (g[c] * gamma[c] - sum - (from[c] - m) * i * dot);
        } else {
          for (std::size_t c = 0; c < columns; ++c)
            to[c] = i * (g[c] * gamma[c] - sum - (from[c] - m) * i * dot);
        }
      }
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
