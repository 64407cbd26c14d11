#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::grid {

/// One number of a row and its like in the row from the other end.
template <class T>
struct mix_pair {
  std::size_t rows, height, width, channels;
  device_scalar<batch_mix> how;
  T* x;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    using R = arithmetic<T>;
    const batch_mix chosen = how;
    if (chosen.lambda == 1) return;
    const std::size_t size = height * width * channels, at = i % size;
    T &a = x[i], &b = x[(rows - 1 - i / size) * size + at];
    const T first = a, last = b;
    if (chosen.pasted) {
      const std::size_t row = at / channels / width, column = at / channels % width;
      const bool inside = chosen.top <= row && row < chosen.top + chosen.height && chosen.left <= column &&
                          column < chosen.left + chosen.width;
      a = inside ? last : first;
      b = inside ? first : last;
    } else {
      const R own = static_cast<R>(chosen.lambda), other = static_cast<R>(1 - chosen.lambda);
      a = static_cast<T>(own * static_cast<R>(first) + other * static_cast<R>(last));
      b = static_cast<T>(own * static_cast<R>(last) + other * static_cast<R>(first));
    }
  }
};

template <class W>
struct mix_goals {
  std::size_t rows, stride, classes;
  device_scalar<batch_mix> how;
  double smoothing;
  const int* labels;
  W* soft_targets;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const batch_mix chosen = how;
    const double lambda = chosen.lambda;
    const std::size_t row = i / stride, c = i % stride;
    const auto own = static_cast<std::size_t>(labels[row]),
               other = static_cast<std::size_t>(labels[rows - 1 - row]);
    const double t = (c == own ? lambda : 0) + (c == other ? 1 - lambda : 0);
    soft_targets[i] = c < classes ? static_cast<W>(smoothed(t, smoothing, classes)) : W{};
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct mixing<Device> {
  template <class Context, class T>
  static void mix(Context& context, std::size_t rows, std::size_t height, std::size_t width,
                  std::size_t channels, device_scalar<batch_mix> how, T* x) {
    grid::parallel_for(context, rows / 2 * height * width * channels,
                       grid::mix_pair<T>{rows, height, width, channels, how, x});
  }

  template <class Context, class W>
  static void targets(Context& context, std::size_t rows, std::size_t stride, std::size_t classes,
                      device_scalar<batch_mix> how, double smoothing, const int* labels, W* soft_targets) {
    grid::parallel_for(context, rows * stride,
                       grid::mix_goals<W>{rows, stride, classes, how, smoothing, labels, soft_targets});
  }
};

}  // namespace pretext::kernels
