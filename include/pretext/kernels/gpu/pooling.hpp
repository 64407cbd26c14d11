// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/bfloat16.hpp>
#include <pretext/core/divisor.hpp>
#include <pretext/kernels/gpu/block/vector_position.hpp>
#include <pretext/kernels/gpu/pooling/max_in_window.hpp>
#include <pretext/kernels/pooling.hpp>

namespace pretext::inline v0_1::grid {

/// Mean of the rows [first, first + count) of each sample's tokens.
template <class T>
struct mean_of_rows {
  std::size_t tokens, width, first, count;
  const T* x;
  T* y;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t n = i / width, c = i % width;
    using R = arithmetic<T>;
    R sum{0};
    for (std::size_t t = first; t < first + count; ++t)
      sum += static_cast<R>(x[(n * tokens + t) * width + c]);
    y[i] = static_cast<T>(sum * (R{1} / static_cast<R>(count)));
  }
};

/// The gradient of mean_of_rows; 0 in all other rows.
template <class T>
struct mean_of_rows_backward {
  vector_position at_vector;
  divisor tokens;
  std::uint32_t width, first, count;
  const T* dy;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    using R = arithmetic<T>;
    const auto vector = static_cast<std::uint32_t>(i / N);
    const std::uint32_t row = at_vector.row(vector), sample = tokens.quotient(row),
                        t = row - sample * tokens.value();
    vec<R, N> gradient{};
    if (first <= t && t < first + count) {
      gradient = load<N>(dy + std::size_t{sample} * width + at_vector.within(vector) * N);
      const R share = R{1} / static_cast<R>(count);
      for (unsigned k = 0; k < N; ++k) gradient[k] *= share;
    }
    store<N>(dx + i, gradient);
  }
};

/// Launches it for matrices (batch, tokens, width).
template <class Context, class T>
void spread_mean(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                 std::size_t first, std::size_t count, const T* dy, T* dx) {
  const auto narrow = [](std::size_t extent) { return static_cast<std::uint32_t>(extent); };
  for_each_vector<T>(context, batch * tokens, width, {dy, dx}, [&](const vector_position& at) {
    return mean_of_rows_backward<T>{at, divisor{tokens}, narrow(width), narrow(first), narrow(count), dy, dx};
  });
}

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// The mean over all positions, as a mean of rows.
template <Accelerator Device>
struct average_pool<Device> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t batch, std::size_t positions, std::size_t channels,
                      const T* x, T* y) {
    grid::parallel_for(context, batch * channels,
                       grid::mean_of_rows<T>{positions, channels, 0, positions, x, y});
  }
  template <class Context, class T>
  static void backward(Context& context, std::size_t batch, std::size_t positions, std::size_t channels,
                       const T* dy, T* dx) {
    grid::spread_mean(context, batch, positions, channels, 0, positions, dy, dx);
  }
};

/// One thread per vector of outputs or, backward, of pixels, which gather by the stored indices.
template <Accelerator Device>
struct max_pool<Device> {
  template <class Context, class T>
  static void forward(Context& context, const window& w, std::size_t batch, const T* x, T* y,
                      std::uint32_t* selected) {
    const divisor rows{w.out_height()}, columns{w.out_width()};
    grid::for_each_vector<T>(context, batch * w.out_height() * w.out_width(), w.channels, {x, y, selected},
                             [&](const grid::vector_position& at) {
                               return grid::max_in_window<T>{{at, rows, columns},
                                                             narrow(w.height),
                                                             narrow(w.width),
                                                             narrow(w.channels),
                                                             narrow(w.size),
                                                             narrow(w.stride),
                                                             narrow(w.padding),
                                                             x,
                                                             y,
                                                             selected};
                             });
  }
  template <class Context, class T>
  static void backward(Context& context, const window& w, std::size_t batch, const std::uint32_t* selected,
                       const T* dy, T* dx) {
    const divisor rows{w.height}, columns{w.width};
    grid::for_each_vector<T>(context, batch * w.height * w.width, w.channels, {selected, dy, dx},
                             [&](const grid::vector_position& at) {
                               return grid::max_in_window_backward<T>{{at, rows, columns},
                                                                      divisor{w.stride},
                                                                      narrow(w.out_height()),
                                                                      narrow(w.out_width()),
                                                                      narrow(w.channels),
                                                                      narrow(w.size),
                                                                      narrow(w.padding),
                                                                      selected,
                                                                      dy,
                                                                      dx};
                             });
  }

 private:
  static std::uint32_t narrow(std::size_t extent) { return static_cast<std::uint32_t>(extent); }
};

}  // namespace pretext::inline v0_1::kernels
