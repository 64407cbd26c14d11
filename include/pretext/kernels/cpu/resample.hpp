#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/cpu/planar_view.hpp>
#include <pretext/kernels/resampling.hpp>

namespace pretext::kernels {

/// The taps of every output pixel of one axis: `count` source positions from first[i] on, weights that add up
/// to one.
struct tap_table {
  std::size_t count = 0;
  std::vector<std::size_t> first;
  std::vector<float> weight;

  /// `outputs` pixels; backwards if mirrored.
  void fill(interpolation method, const resampled_axis& axis, std::size_t outputs, bool mirrored) {
    const auto extent = static_cast<std::size_t>(axis.extent);
    count = std::min<std::size_t>(extent, static_cast<std::size_t>(resampling::most_taps(method, axis)));
    first.resize(outputs);
    weight.assign(outputs * count, 0);
    for (std::size_t i = 0; i < outputs; ++i) {
      const auto index = static_cast<std::int64_t>(mirrored ? outputs - 1 - i : i);
      const auto lowest = std::max<std::int64_t>(resampling::window_of(method, axis, index).first, 0);
      first[i] = std::min<std::size_t>(static_cast<std::size_t>(lowest), extent - count);
      float* const row = weight.data() + i * count;
      float sum = 0;
      resampling::for_each_tap(method, axis, index, [&](std::int64_t at, float w) {
        row[static_cast<std::size_t>(at) - first[i]] += w;
        sum += w;
      });
      for (std::size_t k = 0; k < count; ++k) row[k] /= sum;
    }
  }
};

namespace detail {

typedef float four_floats __attribute__((vector_size(16)));

/// One pixel and one number that is not used.
inline four_floats pixel_at(const float* from) {
  four_floats pixel;
  std::memcpy(&pixel, from, sizeof pixel);
  return pixel;
}

/// Σ_k weight[k] · row k, for `count` numbers.
template <class Pixel>
void mix_rows(const Pixel* from, std::size_t stride, std::size_t taps, const float* weight,
              float* __restrict to, std::size_t count) {
  if (taps == 4) {
    const Pixel *a = from, *b = a + stride, *c = b + stride, *d = c + stride;
    const float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];
    for (std::size_t i = 0; i < count; ++i)
      to[i] = (wa * static_cast<float>(a[i]) + wb * static_cast<float>(b[i])) +
              (wc * static_cast<float>(c[i]) + wd * static_cast<float>(d[i]));
    return;
  }
  for (std::size_t i = 0; i < count; ++i) to[i] = weight[0] * static_cast<float>(from[i]);
  for (std::size_t k = 1; k < taps; ++k) {
    const Pixel* row = from + k * stride;
    const float w = weight[k];
    for (std::size_t i = 0; i < count; ++i) to[i] += w * static_cast<float>(row[i]);
  }
}

/// Σ_k weight[k] · pixel k of an interleaved row, clipped, into three planes. `Taps` is the count if it is
/// known while compiling, else 0.
template <std::size_t Taps>
void mix_columns(const float* row, const tap_table& columns, float* r, float* g, float* b) {
  const std::size_t taps = Taps ? Taps : columns.count;
  const four_floats zero{0, 0, 0, 0}, one{1, 1, 1, 1};
  const float* weight = columns.weight.data();
  const std::size_t* first = columns.first.data();
  for (std::size_t x = 0, width = columns.first.size(); x < width; ++x, weight += taps) {
    const float* from = row + 3 * first[x];
    four_floats sum = weight[0] * pixel_at(from);
    for (std::size_t k = 1; k < taps; ++k) sum += weight[k] * pixel_at(from + 3 * k);
    sum = sum > zero ? sum : zero;
    sum = sum < one ? sum : one;
    r[x] = sum[0];
    g[x] = sum[1];
    b[x] = sum[2];
  }
}

}  // namespace detail

/// Room for the taps and one source row of a resize; grows, never shrinks.
struct resample_scratch {
  tap_table rows, columns;
  std::vector<float> row;
};

/// Reads the part of an image that `at` names, once, into a view, in [0, 1]. `Image` has `pixels` (8-bit, or
/// floating in [0, 1]), `height`, `width` and `channels`, of which 1 is read as three equal ones.
template <ImageSource Image>
void resample(const Image& image, const placement& at, const planar_view& view, resample_scratch& scratch) {
  using pixel = std::remove_cvref_t<decltype(image.pixels[0])>;
  const auto [height, width] = view.extent;
  auto& [rows, columns, row] = scratch;
  rows.fill(at.method, at.rows, height, false);
  columns.fill(at.method, at.columns, width, at.mirrored);
  if constexpr (std::is_integral_v<pixel>)
    for (float& w : rows.weight) w *= 1.f / 255;

  const std::size_t across = static_cast<std::size_t>(at.columns.extent),
                    stride = image.width * image.channels;
  row.resize(3 * across + 1);
  const pixel* const corner = pixels_of(image) + static_cast<std::size_t>(at.rows.begin) * stride +
                              static_cast<std::size_t>(at.columns.begin) * image.channels;
  for (std::size_t y = 0; y < height; ++y) {
    detail::mix_rows(corner + rows.first[y] * stride, stride, rows.count, rows.weight.data() + y * rows.count,
                     row.data(), across * image.channels);
    if (image.channels == 1)
      for (std::size_t x = across; x-- > 0;) row[3 * x + 2] = row[3 * x + 1] = row[3 * x] = row[x];
    float *const r = view.r + y * width, *const g = view.g + y * width, *const b = view.b + y * width;
    if (columns.count == 4)
      detail::mix_columns<4>(row.data(), columns, r, g, b);
    else if (columns.count == 2)
      detail::mix_columns<2>(row.data(), columns, r, g, b);
    else
      detail::mix_columns<0>(row.data(), columns, r, g, b);
  }
}

}  // namespace pretext::kernels
