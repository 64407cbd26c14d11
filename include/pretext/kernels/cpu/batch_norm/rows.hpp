// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/simd/prefetch.hpp>

// The arithmetic of batch norm on the channels of one row. Rows never overlap, and the `__restrict`
// parameters say so: only then do compilers emit vector instructions for loops over six arrays.
namespace pretext::inline v0_1::kernels::detail {

/// The source of ReLU's mask in a backward pass: there was no ReLU, or the sign of its output y, or that of y
/// recomputed as x·scale + shift.
enum class relu_mask { none, from_output, from_input };

/// One row of what the mask is computed from.
template <class T>
struct relu_operands {
  const T* __restrict y;
  const T* __restrict scale;
  const T* __restrict shift;
};

/// ReLU's gradient: g where its output is positive, else 0.
template <relu_mask Mask, class T>
T relu_gradient(const relu_operands<T>& relu, std::size_t at, std::size_t channel, T x, T g) {
  if constexpr (Mask == relu_mask::none)
    return g;
  else if constexpr (Mask == relu_mask::from_output)
    return relu.y[at] > T{0} ? g : T{0};
  else
    return x * relu.scale[channel] + relu.shift[channel] > T{0} ? g : T{0};
}

/// y = max(x·scale + shift (+ shortcut), floor).
template <class T>
void scale_and_shift(std::size_t channels, const T* __restrict x, const T* __restrict scale,
                     const T* __restrict shift, const T* __restrict shortcut, T floor, T* __restrict y) {
  if (shortcut && scale)
    for (std::size_t c = 0; c < channels; ++c)
      y[c] = std::max(x[c] * scale[c] + shift[c] + shortcut[c], floor);
  else if (shortcut)
    for (std::size_t c = 0; c < channels; ++c) y[c] = std::max(x[c] + shift[c] + shortcut[c], floor);
  else if (scale)
    for (std::size_t c = 0; c < channels; ++c) y[c] = std::max(x[c] * scale[c] + shift[c], floor);
  else
    for (std::size_t c = 0; c < channels; ++c) y[c] = std::max(x[c] + shift[c], floor);
}

/// Adds g and g·(x - mean) of a few adjacent rows to `sum` and `dot`.
template <std::size_t Rows, relu_mask Mask, class T>
void add_gradient_sums(std::size_t channels, const T* __restrict dy, const relu_operands<T>& relu,
                       const T* __restrict x, const T* __restrict mean, T* __restrict sum,
                       T* __restrict dot) {
  const relu_operands<T> operands = relu;
  prefetch(x, Rows * channels);
  prefetch(dy, Rows * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    T first = sum[c], second = dot[c];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const std::size_t at = r * channels + c;
      const T g = relu_gradient<Mask>(operands, at, c, x[at], dy[at]);
      first += g;
      second += g * (x[at] - mean[c]);
    }
    sum[c] = first;
    dot[c] = second;
  }
}

/// Replaces x by dx = g·a - (x - mean)·b - d.
template <relu_mask Mask, class T>
void write_gradient(std::size_t channels, const T* __restrict dy, const relu_operands<T>& relu,
                    T* __restrict x, const T* __restrict mean, const T* __restrict a, const T* __restrict b,
                    const T* __restrict d) {
  const relu_operands<T> operands = relu;
  prefetch(x, channels);
  prefetch(dy, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const T g = relu_gradient<Mask>(operands, c, c, x[c], dy[c]);
    x[c] = g * a[c] - (x[c] - mean[c]) * b[c] - d[c];
  }
}

/// The same, and replaces dy by g, the gradient of the shortcut.
template <relu_mask Mask, class T>
void write_gradients(std::size_t channels, T* __restrict dy, const relu_operands<T>& relu, T* __restrict x,
                     const T* __restrict mean, const T* __restrict a, const T* __restrict b,
                     const T* __restrict d) {
  const relu_operands<T> operands = relu;
  prefetch(x, channels);
  prefetch(dy, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const T g = relu_gradient<Mask>(operands, c, c, x[c], dy[c]);
    dy[c] = g;
    x[c] = g * a[c] - (x[c] - mean[c]) * b[c] - d[c];
  }
}

}  // namespace pretext::inline v0_1::kernels::detail
