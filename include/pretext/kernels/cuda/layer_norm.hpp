#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cuda/column_sums.hpp>
#include <pretext/kernels/cuda/unit_rows.hpp>
#include <pretext/kernels/layer_norm.hpp>

namespace pretext::grid {

/// A block of threads for each row.
template <class T>
struct layer_norm_forward {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t columns;
  const T* x;
  T epsilon;
  const T *gamma, *beta;
  T *y, *mean, *inverse;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index();
    const T* const from = x + row * columns;
    T* const to = y + row * columns;
    const double count = static_cast<double>(columns);
    const T m = static_cast<T>(
        sum_of_row(block, memory, columns, [=](std::size_t c) { return static_cast<double>(from[c]); }) /
        count);
    const double squares = sum_of_row(block, memory, columns, [=](std::size_t c) {
      return static_cast<double>((from[c] - m) * (from[c] - m));
    });
    const T i = T{1} / std::sqrt(static_cast<T>(squares / count) + epsilon);
    block.each([&](unsigned thread) {
      for (std::size_t c = thread; c < columns; c += row_threads)
        to[c] = (from[c] - m) * i * gamma[c] + beta[c];
      if (thread == 0 && mean) mean[row] = m;
      if (thread == 0 && inverse) inverse[row] = i;
    });
  }
};

/// g·x̂ and g, of which the gradients of γ and β are sums.
template <class T>
struct layer_norm_moments {
  std::size_t columns;
  const T *dy, *x, *mean, *inverse;

  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, T (&terms)[2]) const {
    const T g = dy[r * columns + c];
    terms[0] = g * ((x[r * columns + c] - mean[r]) * inverse[r]);
    terms[1] = g;
  }
};

template <class T>
struct layer_norm_backward {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t columns;
  const T *dy, *x, *mean, *inverse, *gamma, *shortcut;
  T* dx;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index(), at = row * columns;
    const T m = mean[row], i = inverse[row];
    const double count = static_cast<double>(columns);
    const auto slope = [=, this](std::size_t c) { return dy[at + c] * gamma[c]; };
    const auto normal = [=, this](std::size_t c) { return (x[at + c] - m) * i; };
    const T sum = static_cast<T>(
        sum_of_row(block, memory, columns, [&](std::size_t c) { return static_cast<double>(slope(c)); }) /
        count);
    const T dot =
        static_cast<T>(sum_of_row(block, memory, columns,
                                  [&](std::size_t c) { return static_cast<double>(slope(c) * normal(c)); }) /
                       count);
    block.each([&](unsigned thread) {
      for (std::size_t c = thread; c < columns; c += row_threads) {
        const T gradient = i * (slope(c) - sum - normal(c) * dot);
        dx[at + c] = shortcut ? shortcut[at + c] + gradient : gradient;
      }
    });
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct layer_norm<Device> {
  template <class Place, class T>
  static void forward(Place& place, std::size_t rows, std::size_t columns, const T* x, T epsilon,
                      const T* gamma, const T* beta, T* y, T* mean, T* inverse) {
    if (rows > 0)
      launch(place.stream, rows,
             grid::layer_norm_forward<T>{columns, x, epsilon, gamma, beta, y, mean, inverse});
  }

  template <class Place, class T>
  static void backward(Place& place, std::size_t rows, std::size_t columns, const T* dy, const T* x,
                       const T* mean, const T* inverse, const T* gamma, const T* shortcut, T* dx, T* dgamma,
                       T* dbeta) {
    T* const totals[] = {dgamma, dbeta};
    grid::add_column_sums(place, rows, columns, totals,
                          grid::layer_norm_moments<T>{columns, dy, x, mean, inverse});
    if (dx && rows > 0)
      launch(place.stream, rows,
             grid::layer_norm_backward<T>{columns, dy, x, mean, inverse, gamma, shortcut, dx});
  }
};

}  // namespace pretext::kernels
