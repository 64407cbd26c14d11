// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
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

/// Its gradient; 0 in all other rows.
template <class T>
struct mean_of_rows_backward {
  std::size_t tokens, width, first, count;
  const T* dy;
  T* dx;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t t = i / width % tokens;
    const bool inside = first <= t && t < first + count;
    using R = arithmetic<T>;
    const R share = R{1} / static_cast<R>(count);
    dx[i] = inside ? static_cast<T>(static_cast<R>(dy[i / width / tokens * width + i % width]) * share) : T{};
  }
};

/// The positions [begin, end) of an axis that a window covers.
struct covered {
  std::size_t begin, end;
  PRETEXT_HOST_DEVICE covered(const kernels::window& w, std::size_t at, std::size_t extent)
      : begin{at * w.stride > w.padding ? at * w.stride - w.padding : 0},
        end{smaller(extent, at * w.stride + w.size - smaller(w.padding, at * w.stride + w.size))} {}
};

/// The maximum of each window and its index; NaN propagates.
template <class T>
struct max_in_window {
  kernels::window w;
  const T* x;
  T* y;
  std::uint32_t* selected;

  PRETEXT_HOST_DEVICE void operator()(std::size_t at) const {
    const std::size_t c = at % w.channels, position = at / w.channels, q = position % w.out_width(),
                      above = position / w.out_width();
    const std::size_t p = above % w.out_height(), sample = above / w.out_height();
    const covered down{w, p, w.height}, right{w, q, w.width};
    using R = arithmetic<T>;
    R best = minus_infinity<R>();
    std::uint32_t best_at = 0;
    for (std::size_t i = down.begin; i < down.end; ++i)
      for (std::size_t j = right.begin; j < right.end; ++j) {
        const R value = static_cast<R>(x[((sample * w.height + i) * w.width + j) * w.channels + c]);
        if (value > best || value != value) {
          best = value;
          best_at = static_cast<std::uint32_t>(i * w.width + j);
        }
      }
    y[at] = static_cast<T>(best);
    if (selected) selected[at] = best_at;
  }
};

/// Each pixel gathers from the windows that selected it, in their order, so that no two threads add to the
/// same element.
template <class T>
struct max_in_window_backward {
  kernels::window w;
  const std::uint32_t* selected;
  const T* dy;
  T* dx;

  PRETEXT_HOST_DEVICE void operator()(std::size_t at) const {
    const std::size_t c = at % w.channels, pixel = at / w.channels, j = pixel % w.width,
                      above = pixel / w.width;
    const std::size_t i = above % w.height, sample = above / w.height;
    const auto pixel_index = static_cast<std::uint32_t>(i * w.width + j);
    arithmetic<T> sum{0};
    for (std::size_t p = first(i); p < last(i, w.out_height()); ++p)
      for (std::size_t q = first(j); q < last(j, w.out_width()); ++q) {
        const std::size_t from = ((sample * w.out_height() + p) * w.out_width() + q) * w.channels + c;
        if (selected[from] == pixel_index) sum += static_cast<arithmetic<T>>(dy[from]);
      }
    dx[at] = static_cast<T>(sum);
  }

 private:
  PRETEXT_HOST_DEVICE std::size_t first(std::size_t i) const {
    return i + w.padding >= w.size ? (i + w.padding - w.size) / w.stride + 1 : 0;
  }
  PRETEXT_HOST_DEVICE std::size_t last(std::size_t i, std::size_t extent) const {
    return smaller(extent, (i + w.padding) / w.stride + 1);
  }
};

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
    grid::parallel_for(context, batch * positions * channels,
                       grid::mean_of_rows_backward<T>{positions, channels, 0, positions, dy, dx});
  }
};

/// One thread per output; the backward pass gathers by the stored indices.
template <Accelerator Device>
struct max_pool<Device> {
  template <class Context, class T>
  static void forward(Context& context, const window& w, std::size_t batch, const T* x, T* y,
                      std::uint32_t* selected) {
    grid::parallel_for(context, batch * w.out_height() * w.out_width() * w.channels,
                       grid::max_in_window<T>{w, x, y, selected});
  }
  template <class Context, class T>
  static void backward(Context& context, const window& w, std::size_t batch, const std::uint32_t* selected,
                       const T* dy, T* dx) {
    grid::parallel_for(context, batch * w.height * w.width * w.channels,
                       grid::max_in_window_backward<T>{w, selected, dy, dx});
  }
};

}  // namespace pretext::inline v0_1::kernels
