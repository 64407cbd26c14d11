#pragma once
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid.hpp>
#include <pretext/kernels/cross_entropy.hpp>
#include <pretext/kernels/mixing.hpp>

namespace pretext::grid {

/// One number of a row and its like in the row from the other end.
template <class T>
struct blend_pair {
  using R = arithmetic<T>;
  std::size_t rows, size;
  R own, other;
  T* x;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    T &a = x[i], &b = x[(rows - 1 - i / size) * size + i % size];
    const R first = static_cast<R>(a), last = static_cast<R>(b);
    a = static_cast<T>(own * first + other * last);
    b = static_cast<T>(own * last + other * first);
  }
};

template <class T>
struct swap_in_box {
  std::size_t rows, height, width, channels, top, left, box_height, box_width;
  T* x;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t line = box_width * channels, row = i / line / box_height, y = i / line % box_height;
    const std::size_t at = ((top + y) * width + left) * channels + i % line, size = height * width * channels;
    T &a = x[row * size + at], &b = x[(rows - 1 - row) * size + at];
    const T first = a;
    a = b;
    b = first;
  }
};

template <class W>
struct mix_goals {
  std::size_t rows, stride, classes;
  double share, smoothing;
  const int* labels;
  W* goal;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t row = i / stride, c = i % stride;
    const auto own = static_cast<std::size_t>(labels[row]),
               other = static_cast<std::size_t>(labels[rows - 1 - row]);
    const double t = (c == own ? share : 0) + (c == other ? 1 - share : 0);
    goal[i] = c < classes ? static_cast<W>(smoothed(t, smoothing, classes)) : W{};
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct mixing<Device> {
  template <class Place, class T>
  static void blend(Place& place, std::size_t rows, std::size_t size, double share, T* x) {
    using R = arithmetic<T>;
    grid::each_number(place, rows / 2 * size,
                      grid::blend_pair<T>{rows, size, static_cast<R>(share), static_cast<R>(1 - share), x});
  }

  template <class Place, class T>
  static void paste(Place& place, std::size_t rows, std::size_t height, std::size_t width,
                    std::size_t channels, std::size_t top, std::size_t left, std::size_t box_height,
                    std::size_t box_width, T* x) {
    grid::each_number(
        place, rows / 2 * box_height * box_width * channels,
        grid::swap_in_box<T>{rows, height, width, channels, top, left, box_height, box_width, x});
  }

  template <class Place, class W>
  static void goals(Place& place, std::size_t rows, std::size_t stride, std::size_t classes, double share,
                    double smoothing, const int* labels, W* goal) {
    grid::each_number(place, rows * stride,
                      grid::mix_goals<W>{rows, stride, classes, share, smoothing, labels, goal});
  }
};

}  // namespace pretext::kernels
