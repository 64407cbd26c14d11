// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/gpu/block/vector_position.hpp>

// Max pooling, N channels per thread, and its gradient.
namespace pretext::inline v0_1::grid {

/// The extents of max pooling in 32 bits, and the position of a vector in (batch, height, width, channels).
struct pooled_image {
  vector_position vectors;
  divisor rows, columns;  ///< of the images that are iterated over

  struct position {
    std::uint32_t sample, row, column, channel;
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE position at(std::size_t i) const {
    const auto vector = static_cast<std::uint32_t>(i / N);
    const std::uint32_t pixel = vectors.row(vector), line = columns.quotient(pixel),
                        sample = rows.quotient(line);
    return {sample, line - sample * rows.value(), pixel - line * columns.value(), vectors.within(vector) * N};
  }
};

/// N indices at once.
template <unsigned N>
using index_vec = aligned_vec<std::uint32_t, N>;

/// The maximum of each window and its index; NaN propagates.
template <class T>
struct max_in_window {
  pooled_image results;
  std::uint32_t height, width, channels, size, stride, padding;
  const T* x;
  T* y;
  std::uint32_t* selected;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    using R = arithmetic<T>;
    const auto to = results.at<N>(i);
    vec<R, N> best;
    index_vec<N> best_at{};
    for (unsigned k = 0; k < N; ++k) best[k] = minus_infinity<R>();
    for (std::uint32_t r = begin(to.row); r < end(to.row, height); ++r)
      for (std::uint32_t c = begin(to.column); c < end(to.column, width); ++c) {
        const std::uint32_t pixel = r * width + c;
        const auto value =
            load<N>(x + (std::size_t{to.sample} * (height * width) + pixel) * channels + to.channel);
        for (unsigned k = 0; k < N; ++k)
          if (value[k] > best[k] || value[k] != value[k]) {
            best[k] = value[k];
            best_at.of[k] = pixel;
          }
      }
    store<N>(y + i, best);
    if (selected) *reinterpret_cast<index_vec<N>*>(selected + i) = best_at;
  }

 private:
  PRETEXT_HOST_DEVICE std::uint32_t begin(std::uint32_t at) const {
    return at * stride > padding ? at * stride - padding : 0;
  }
  PRETEXT_HOST_DEVICE std::uint32_t end(std::uint32_t at, std::uint32_t extent) const {
    const std::uint32_t last = at * stride + size;
    return last <= padding ? 0 : last - padding < extent ? last - padding : extent;
  }
};

/// Each pixel gathers from the windows that selected it, in their order, so that no two threads add to the
/// same element.
template <class T>
struct max_in_window_backward {
  pooled_image pixels;
  divisor stride;
  std::uint32_t out_height, out_width, channels, size, padding;
  const std::uint32_t* selected;
  const T* dy;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const auto to = pixels.at<N>(i);
    const std::uint32_t pixel = to.row * pixels.columns.value() + to.column;
    vec<arithmetic<T>, N> sum{};
    for (std::uint32_t p = first(to.row); p < last(to.row, out_height); ++p)
#ifdef __CUDA_ARCH__
#pragma unroll 1  // more resident warps hide more latency than more loads of a thread
#endif
      for (std::uint32_t q = first(to.column); q < last(to.column, out_width); ++q) {
        const std::size_t from =
            ((std::size_t{to.sample} * out_height + p) * out_width + q) * channels + to.channel;
        const auto chosen = *reinterpret_cast<const index_vec<N>*>(selected + from);
        const auto d = load<N>(dy + from);
        for (unsigned k = 0; k < N; ++k)
          if (chosen.of[k] == pixel) sum[k] += d[k];
      }
    store<N>(dx + i, sum);
  }

 private:
  PRETEXT_HOST_DEVICE std::uint32_t first(std::uint32_t i) const {
    return i + padding >= size ? stride.quotient(i + padding - size) + 1 : 0;
  }
  PRETEXT_HOST_DEVICE std::uint32_t last(std::uint32_t i, std::uint32_t extent) const {
    const std::uint32_t end = stride.quotient(i + padding) + 1;
    return end < extent ? end : extent;
  }
};

}  // namespace pretext::inline v0_1::grid
