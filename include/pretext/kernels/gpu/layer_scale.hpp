// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/block/column_sums.hpp>
#include <pretext/kernels/layer_scale.hpp>

namespace pretext::inline v0_1::grid {

/// y = shortcut plus the scaled branch.
template <class T, class W>
struct scaled_sum {
  kernels::scaled_sum_extents e;
  const T *shortcut, *branch;
  const W *gamma, *branch_scale;
  T* y;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t c = i % e.columns;
    const W scale = branch_scale ? branch_scale[i / e.columns / e.tokens] : W{1};
    auto sum = load<N>(shortcut + i);
    const auto value = load<N>(branch + i);
    for (unsigned k = 0; k < N; ++k) sum[k] += scale * gamma[c + k] * value[k];
    store<N>(y + i, sum);
  }
};

/// The gradient of the branch, and the terms of the gradient of gamma.
template <class T, class W>
struct scaled_sum_backward {
  kernels::scaled_sum_extents e;
  const T *dy, *branch;
  const W *gamma, *branch_scale;
  T* dbranch;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&term)[1]) const {
    const std::size_t i = r * e.columns + c;
    const W scale = branch_scale ? branch_scale[r / e.tokens] : W{1};
    auto slope = load<N>(dy + i);
    const auto value = load<N>(branch + i);
    for (unsigned k = 0; k < N; ++k) {
      slope[k] *= scale;
      term[0][k] = value[k] * slope[k];
      slope[k] *= gamma[c + k];
    }
    store<N>(dbranch + i, slope);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One vectorised pass forward; the backward pass also sums the columns for gamma's gradient.
template <Accelerator Device>
struct layer_scale<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, const scaled_sum_extents& e, const T* shortcut, const T* branch,
                      const W* gamma, const W* branch_scale, T* y) {
    grid::parallel_for_vec<T>(context, e.rows * e.columns, e.columns, {shortcut, branch, y},
                              grid::scaled_sum<T, W>{e, shortcut, branch, gamma, branch_scale, y});
  }
  template <class Context, class T, class W>
  static void backward(Context& context, const scaled_sum_extents& e, const T* dy, const T* branch,
                       const W* gamma, const W* branch_scale, T* dbranch, W* dgamma) {
    W* const totals[] = {dgamma};
    grid::add_column_sums<T>(context, e.rows, e.columns, totals, {dy, branch, dbranch},
                             grid::scaled_sum_backward<T, W>{e, dy, branch, gamma, branch_scale, dbranch});
  }
};

}  // namespace pretext::inline v0_1::kernels
