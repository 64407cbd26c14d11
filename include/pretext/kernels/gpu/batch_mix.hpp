// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::inline v0_1::grid {

/// Mixes one element of a row with the same element of the row at the mirrored position in the batch.
template <class T>
struct mix_pair {
  std::size_t rows, height, width, channels;
  device_scalar<batch_mix> mix;
  T* x;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    using R = arithmetic<T>;
    const batch_mix m = mix;
    if (m.lambda == 1) return;
    const std::size_t size = height * width * channels, at = i % size;
    T &a = x[i], &b = x[(rows - 1 - i / size) * size + at];
    const T first = a, last = b;
    if (m.pasted) {
      const std::size_t row = at / channels / width, column = at / channels % width;
      const bool inside =
          m.top <= row && row < m.top + m.height && m.left <= column && column < m.left + m.width;
      a = inside ? last : first;
      b = inside ? first : last;
    } else {
      const R lambda = static_cast<R>(m.lambda), rest = static_cast<R>(1 - m.lambda);
      a = static_cast<T>(lambda * static_cast<R>(first) + rest * static_cast<R>(last));
      b = static_cast<T>(lambda * static_cast<R>(last) + rest * static_cast<R>(first));
    }
  }
};

/// The soft targets of a mixed batch: lambda for a row's own label, the rest for that of its partner.
template <class W>
struct mix_targets {
  std::size_t rows, stride, classes;
  device_scalar<batch_mix> mix;
  double smoothing;
  const int* labels;
  W* soft_targets;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const batch_mix m = mix;
    const double lambda = m.lambda;
    const std::size_t row = i / stride, c = i % stride;
    const auto label = static_cast<std::size_t>(labels[row]),
               mirrored_label = static_cast<std::size_t>(labels[rows - 1 - row]);
    const double t = (c == label ? lambda : 0) + (c == mirrored_label ? 1 - lambda : 0);
    soft_targets[i] = c < classes ? static_cast<W>(smoothed(t, smoothing, classes)) : W{};
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Mixes in place: each thread reads and writes both elements of a pair. The mix is read on the device, so
/// that a recorded step can change it.
template <Accelerator Device>
struct mixing<Device> {
  template <class Context, class T>
  static void mix(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                  std::size_t channels, device_scalar<batch_mix> mix, T* x) {
    grid::parallel_for(context, rows / 2 * height * width * channels,
                       grid::mix_pair<T>{rows, height, width, channels, mix, x});
  }

  template <class Context, class W>
  static void targets(Context& context, std::size_t rows, std::size_t stride, std::size_t classes,
                      device_scalar<batch_mix> mix, double smoothing, const int* labels, W* soft_targets) {
    grid::parallel_for(context, rows * stride,
                       grid::mix_targets<W>{rows, stride, classes, mix, smoothing, labels, soft_targets});
  }
};

}  // namespace pretext::inline v0_1::kernels
