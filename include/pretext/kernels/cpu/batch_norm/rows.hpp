#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/simd/prefetch.hpp>

// What batch norm does with the channels of one row. Rows never overlap, and the parameters say so: that is
// what lets a compiler use vector instructions where six arrays meet.
namespace pretext::kernels::detail {

/// Where a ReLU's gradient comes from: there was none, its output y tells, or y = x·scale + shift does.
enum class rectified { no, by_output, by_input };

/// `work<Rectified>()` for the place that fits.
template <class Work>
void with_relu_mask(bool relu, const void* y, const Work& work) {
  if (!relu)
    work.template operator()<rectified::no>();
  else if (y)
    work.template operator()<rectified::by_output>();
  else
    work.template operator()<rectified::by_input>();
}

/// What tells that, for one row.
template <class T>
struct relu_sign {
  const T* __restrict y;
  const T* __restrict scale;
  const T* __restrict shift;
};

/// g where the rectified output is positive, else 0.
template <rectified Rectified, class T>
T masked_gradient(const relu_sign<T>& relu, std::size_t at, std::size_t channel, T x, T g) {
  if constexpr (Rectified == rectified::no)
    return g;
  else if constexpr (Rectified == rectified::by_output)
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

/// The sums of g and of g·(x - mean) over a few adjacent rows.
template <std::size_t Rows, rectified Rectified, class T>
void add_gradients(std::size_t channels, const T* __restrict dy, const relu_sign<T>& relu,
                   const T* __restrict x, const T* __restrict mean, T* __restrict sum, T* __restrict dot) {
  const relu_sign<T> own = relu;
  prefetch(x, Rows * channels);
  prefetch(dy, Rows * channels);
  for (std::size_t c = 0; c < channels; ++c) {
    T first = sum[c], second = dot[c];
#pragma GCC unroll 4
    for (std::size_t r = 0; r < Rows; ++r) {
      const std::size_t at = r * channels + c;
      const T g = masked_gradient<Rectified>(own, at, c, x[at], dy[at]);
      first += g;
      second += g * (x[at] - mean[c]);
    }
    sum[c] = first;
    dot[c] = second;
  }
}

/// g·a - (x - mean)·b - d in place of x.
template <rectified Rectified, class T>
void pass_gradient(std::size_t channels, const T* __restrict dy, const relu_sign<T>& relu, T* __restrict x,
                   const T* __restrict mean, const T* __restrict a, const T* __restrict b,
                   const T* __restrict d) {
  const relu_sign<T> own = relu;
  prefetch(x, channels);
  prefetch(dy, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const T g = masked_gradient<Rectified>(own, c, c, x[c], dy[c]);
    x[c] = g * a[c] - (x[c] - mean[c]) * b[c] - d[c];
  }
}

/// The same, and g, which is what a shortcut gets, in place of dy.
template <rectified Rectified, class T>
void pass_gradients(std::size_t channels, T* __restrict dy, const relu_sign<T>& relu, T* __restrict x,
                    const T* __restrict mean, const T* __restrict a, const T* __restrict b,
                    const T* __restrict d) {
  const relu_sign<T> own = relu;
  prefetch(x, channels);
  prefetch(dy, channels);
  prefetch(x, channels);
  prefetch(dy, channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const T g = masked_gradient<Rectified>(own, c, c, x[c], dy[c]);
    dy[c] = g;
    x[c] = g * a[c] - (x[c] - mean[c]) * b[c] - d[c];
  }
}

}  // namespace pretext::kernels::detail
