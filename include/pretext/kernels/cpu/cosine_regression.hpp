// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cosine_regression.hpp>
#include <pretext/kernels/cpu/simd/l2_normalize.hpp>

namespace pretext::inline v0_1::kernels {

/// One pass: each row normalises its two vectors, and the loss is summed over the rows in order.
template <>
struct cosine_regression<cpu> {
  template <class Context, class T>
  static double run(Context& context, std::size_t rows, std::size_t columns, double factor, const T* p,
                    const T* target, T* dp) {
    detail::expects_two_views(rows);
    const arena_scope guard{context.workspace};
    T* unit = context.workspace.template allocate<T>(rows * columns);
    T* unit_target = context.workspace.template allocate<T>(rows * columns);
    double* cosine = context.workspace.template allocate<double>(rows);
    const double scale = factor / static_cast<double>(rows / 2);
    context.stream.for_each_run(rows, 64, [=](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        T *u = unit + row * columns, *v = unit_target + row * columns;
        const T inverse = detail::normalise_row(p + row * columns, u, columns);
        detail::normalise_row(target + (row + rows / 2) % rows * columns, v, columns);
        cosine[row] = detail::dot(u, v, columns);
        for (std::size_t c = 0; c < columns; ++c) v[c] *= static_cast<T>(-2 * scale);
        detail::add_row_gradient(u, v, inverse, columns, dp + row * columns);
      }
    });
    double value = 0;
    for (std::size_t row = 0; row < rows; ++row) value += 2 - 2 * cosine[row];
    return scale * value;
  }
};

}  // namespace pretext::inline v0_1::kernels
