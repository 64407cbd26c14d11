#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/cpu/augment/planar_view.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::kernels {

/// The taps of every output pixel of one axis: `count` source positions from first[i] on, whose weights sum
/// to 1.
struct tap_table {
  std::size_t count = 0;
  std::vector<std::size_t> first;
  std::vector<float> weight;

  /// Computes the taps of `outputs` pixels, in reverse order if mirrored.
  void fill(const axis_resampling& axis, std::size_t outputs, bool mirrored) {
    const auto extent = static_cast<std::size_t>(axis.axis.extent);
    count = std::min<std::size_t>(extent, static_cast<std::size_t>(axis.max_taps()));
    first.resize(outputs);
    weight.assign(outputs * count, 0);
    for (std::size_t i = 0; i < outputs; ++i) {
      const auto window = axis(static_cast<std::int64_t>(mirrored ? outputs - 1 - i : i));
      const auto lowest = static_cast<std::size_t>(window.first < 0 ? 0 : window.first);
      first[i] = std::min<std::size_t>(lowest, extent - count);
      float* const row = weight.data() + i * count;
      int visited = 0;
      float sum = 0;
      for (int k = 0; k < window.count; ++k) {
        const auto tap = axis(window, k);
        if (!tap.counts) continue;
        row[static_cast<std::size_t>(tap.at) - first[i]] += tap.weight;
        sum += tap.weight;
        ++visited;
      }
      // All taps of an unstretched kernel already sum to 1.
      if (!axis.antialiased && visited == window.count) continue;
      for (std::size_t k = 0; k < count; ++k) row[k] /= sum;
    }
  }
};

namespace detail {

typedef float four_floats __attribute__((vector_size(16)));

/// Loads one pixel and one value that is ignored.
inline four_floats pixel_at(const float* from) {
  four_floats pixel;
  std::memcpy(&pixel, from, sizeof pixel);
  return pixel;
}

/// Σ_k weight[k] · row[k], for `count` elements.
inline void mix_rows(const float* const* row, std::size_t taps, const float* weight, float* __restrict to,
                     std::size_t count) {
  std::size_t k = 0;
  for (; k + 4 <= taps; k += 4) {
    const float *a = row[k], *b = row[k + 1], *c = row[k + 2], *d = row[k + 3];
    const float wa = weight[k], wb = weight[k + 1], wc = weight[k + 2], wd = weight[k + 3];
    if (k == 0)
      for (std::size_t i = 0; i < count; ++i) to[i] = (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
    else
      for (std::size_t i = 0; i < count; ++i) to[i] += (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
  }
  for (; k < taps; ++k) {
    const float* a = row[k];
    const float wa = weight[k];
    if (k == 0)
      for (std::size_t i = 0; i < count; ++i) to[i] = wa * a[i];
    else
      for (std::size_t i = 0; i < count; ++i) to[i] += wa * a[i];
  }
}

/// Σ_k weight[k] · pixel k of an interleaved row, for output pixel x. `Taps` is their count, or 0 if it is
/// known at run time only.
template <std::size_t Taps>
four_floats mixed_pixel(const float* row, const tap_table& columns, std::size_t x) {
  const std::size_t taps = Taps ? Taps : columns.count;
  const float* const weight = columns.weight.data() + x * taps;
  const float* const from = row + 3 * columns.first[x];
  four_floats sum = weight[0] * pixel_at(from);
  for (std::size_t k = 1; k < taps; ++k) sum += weight[k] * pixel_at(from + 3 * k);
  return sum;
}

/// All output pixels of one row, clipped, into three planes.
template <std::size_t Taps>
void mix_columns(const float* row, const tap_table& columns, float* __restrict r, float* __restrict g,
                 float* __restrict b) {
  const std::size_t width = columns.first.size();
  std::size_t x = 0;
  for (; x + 4 <= width; x += 4) {
    const four_floats p0 = mixed_pixel<Taps>(row, columns, x), p1 = mixed_pixel<Taps>(row, columns, x + 1);
    const four_floats p2 = mixed_pixel<Taps>(row, columns, x + 2),
                      p3 = mixed_pixel<Taps>(row, columns, x + 3);
    const four_floats low = __builtin_shufflevector(p0, p1, 0, 4, 1, 5);
    const four_floats high = __builtin_shufflevector(p2, p3, 0, 4, 1, 5);
    const four_floats blue_low = __builtin_shufflevector(p0, p1, 2, 6, 3, 7);
    const four_floats blue_high = __builtin_shufflevector(p2, p3, 2, 6, 3, 7);
    const four_floats red = __builtin_shufflevector(low, high, 0, 1, 4, 5);
    const four_floats green = __builtin_shufflevector(low, high, 2, 3, 6, 7);
    const four_floats blue = __builtin_shufflevector(blue_low, blue_high, 0, 1, 4, 5);
    std::memcpy(r + x, &red, sizeof red);
    std::memcpy(g + x, &green, sizeof green);
    std::memcpy(b + x, &blue, sizeof blue);
  }
  for (; x < width; ++x) {
    const four_floats p = mixed_pixel<Taps>(row, columns, x);
    r[x] = p[0];
    g[x] = p[1];
    b[x] = p[2];
  }
  for (float* plane : {r, g, b})
    for (std::size_t i = 0; i < width; ++i) plane[i] = color::clipped(plane[i]);
}

}  // namespace detail

/// Memory for the taps and a few source rows of a resize; it grows and never shrinks.
struct resample_workspace {
  tap_table rows, columns;
  std::vector<float> memory;
  std::vector<const float*> window;
};

/// Resamples the part of an image that `at` selects into a view with values in [0, 1], reading each source
/// row once. 8-bit images are scaled by 1/255; one channel is read as three equal ones.
template <ImageSource Image>
void resample(const Image& image, const resampling_map& at, const planar_view& view,
              resample_workspace& workspace) {
  using pixel = std::remove_cvref_t<decltype(image.pixels[0])>;
  const auto [height, width] = view.extent;
  auto& [rows, columns, memory, window] = workspace;
  rows.fill({at.method, at.rows}, height, false);
  columns.fill({at.method, at.columns}, width, at.mirrored);
  if constexpr (std::is_integral_v<pixel>)
    for (float& w : rows.weight) w *= 1.f / 255;

  // The last source rows read, as floats. Padding elements beyond a row's end are mixed but never written.
  const std::size_t across = static_cast<std::size_t>(at.columns.extent);
  const std::size_t padded = (3 * across + 8) / 8 * 8, buffered = rows.count;
  memory.resize((buffered + 1) * padded);
  window.resize(buffered);
  float* const mixed = memory.data() + buffered * padded;
  const pixel* const corner = pixels_of(image) + (static_cast<std::size_t>(at.rows.begin) * image.width +
                                                  static_cast<std::size_t>(at.columns.begin)) *
                                                     image.channels;
  std::size_t unread = 0, slot = 0;
  const auto next = [buffered](std::size_t of) { return of + 1 == buffered ? 0 : of + 1; };
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t first = rows.first[y];
    for (unread = unread < first ? first : unread; unread < first + buffered; ++unread, slot = next(slot)) {
      const pixel* from = corner + unread * image.width * image.channels;
      float* __restrict to = memory.data() + slot * padded;
      if (image.channels == 3)
        for (std::size_t i = 0; i < 3 * across; ++i) to[i] = static_cast<float>(from[i]);
      else
        for (std::size_t x = 0; x < across; ++x)
          to[3 * x] = to[3 * x + 1] = to[3 * x + 2] = static_cast<float>(from[x]);
    }
    // The next slot to be overwritten holds the oldest row.
    for (std::size_t k = 0, oldest = slot; k < buffered; ++k, oldest = next(oldest))
      window[k] = memory.data() + oldest * padded;
    detail::mix_rows(window.data(), buffered, rows.weight.data() + y * buffered, mixed, padded);
    float *const r = view.r + y * width, *const g = view.g + y * width, *const b = view.b + y * width;
    if (columns.count == 4)
      detail::mix_columns<4>(mixed, columns, r, g, b);
    else if (columns.count == 2)
      detail::mix_columns<2>(mixed, columns, r, g, b);
    else
      detail::mix_columns<0>(mixed, columns, r, g, b);
  }
}

}  // namespace pretext::inline v0_1::kernels
