// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include <pretext/core/function_ref.hpp>
#include <pretext/core/image.hpp>
#include <pretext/kernels/augment.hpp>
#include <pretext/kernels/cpu/augment/planar_view.hpp>
#include <pretext/kernels/cpu/augment/read_row.hpp>
#include <pretext/kernels/cpu/simd/four_floats.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::kernels {

/// The taps of every output pixel of one axis: `count` source positions from first[i] on, whose weights sum
/// to 1.
struct tap_table {
  std::size_t count = 0;
  std::vector<std::size_t> first;
  std::vector<float> weight;

  /// Computes the taps of `outputs` pixels, in reverse order if mirrored.
  [[gnu::noinline]] void fill(const axis_resampling& axis, std::size_t outputs, bool mirrored) {
    count = std::min(static_cast<std::size_t>(axis.axis.extent), static_cast<std::size_t>(axis.max_taps()));
    first.resize(outputs);
    weight.assign(outputs * count, 0);
    vectorised([&] { compute(axis, outputs, mirrored); });
  }

 private:
  void compute(const axis_resampling& axis, std::size_t outputs, bool mirrored) {
    const auto extent = static_cast<std::size_t>(axis.axis.extent);
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

/// Σ_k weight[k] · pixel k of an interleaved RGB row, for output pixel x. `Taps` is their count, or 0 if it
/// is known at run time only.
template <std::size_t Taps>
four_floats mixed_pixel(const float* row, const tap_table& columns, std::size_t x) {
  const std::size_t taps = Taps ? Taps : columns.count;
  const float* const weight = columns.weight.data() + x * taps;
  const float* const from = row + 3 * columns.first[x];
  // A pixel is loaded with one value that is ignored.
  four_floats sum = weight[0] * load_four(from);
  for (std::size_t k = 1; k < taps; ++k) sum += weight[k] * load_four(from + 3 * k);
  return sum;
}

/// All output pixels of one RGB row, into three planes.
template <std::size_t Taps>
void mix_rgb_columns(const float* row, const tap_table& columns, float* __restrict r, float* __restrict g,
                     float* __restrict b) {
  const std::size_t width = columns.first.size();
  std::size_t x = 0;
  for (; x + 4 <= width; x += 4) {
    const four_floats p0 = mixed_pixel<Taps>(row, columns, x), p1 = mixed_pixel<Taps>(row, columns, x + 1);
    const four_floats p2 = mixed_pixel<Taps>(row, columns, x + 2),
                      p3 = mixed_pixel<Taps>(row, columns, x + 3);
    const four_by_four planes = transposed(p0, p1, p2, p3);
    store_four(r + x, planes.row[0]);
    store_four(g + x, planes.row[1]);
    store_four(b + x, planes.row[2]);
  }
  for (; x < width; ++x) {
    const four_floats p = mixed_pixel<Taps>(row, columns, x);
    r[x] = p[0];
    g[x] = p[1];
    b[x] = p[2];
  }
}

/// All output pixels of row y of a view, not yet clipped, from an interleaved row of the source.
template <std::size_t Taps, std::size_t Channels>
void mix_columns(const float* row, const tap_table& columns, const basic_planar_view<Channels>& view,
                 std::size_t y) {
  const std::size_t width = columns.first.size(), taps = Taps ? Taps : columns.count;
  if constexpr (Channels == 3) {
    mix_rgb_columns<Taps>(row, columns, view.plane[0] + y * width, view.plane[1] + y * width,
                          view.plane[2] + y * width);
  } else {
    for (std::size_t c = 0; c < Channels; ++c) {
      float* __restrict const to = view.plane[c] + y * width;
      for (std::size_t x = 0; x < width; ++x) {
        const float* const weight = columns.weight.data() + x * taps;
        const float* const from = row + Channels * columns.first[x] + c;
        float sum = weight[0] * from[0];
        for (std::size_t k = 1; k < taps; ++k) sum += weight[k] * from[Channels * k];
        to[x] = sum;
      }
    }
  }
}

/// Row y of a view from `taps` rows of the source, each of `count` elements.
template <std::size_t Channels>
[[gnu::noinline]] void mix_row(const float* const* row, const float* weight, std::size_t taps,
                               std::size_t count, float* mixed, const tap_table& columns,
                               const basic_planar_view<Channels>& view, std::size_t y) {
  vectorised([&] {
    mix_rows(row, taps, weight, mixed, count);
    if (columns.count == 4)
      mix_columns<4>(mixed, columns, view, y);
    else if (columns.count == 2)
      mix_columns<2>(mixed, columns, view, y);
    else
      mix_columns<0>(mixed, columns, view, y);
    const std::size_t width = columns.first.size();
    for (float* plane : view.plane)
      for (std::size_t i = y * width; i < (y + 1) * width; ++i) plane[i] = color::clipped(plane[i]);
  });
}

}  // namespace detail

/// Memory for the taps and a few source rows of a resize; it grows and never shrinks.
struct resample_workspace {
  tap_table rows, columns;
  std::vector<float> memory;
  std::vector<const float*> window;
};

namespace detail {

/// read(row, column, count, to) reads `count` pixels of a row as floats minus the lower bound of the samples,
/// one for each channel of the view.
using read_pixels = function_ref<void(std::size_t, std::size_t, std::size_t, float*)>;

/// Resamples an image whose `bounds` become 0 and 1.
template <std::size_t Channels>
[[gnu::noinline]] void resample(read_pixels read, sample_range bounds, const resampling_map& at,
                                const basic_planar_view<Channels>& view, resample_workspace& workspace) {
  const auto [height, width] = view.extent;
  auto& [rows, columns, memory, window] = workspace;
  rows.fill({at.method, at.rows}, height, false);
  columns.fill({at.method, at.columns}, width, at.mirrored);
  if (const float scale = 1.f / (bounds.high - bounds.low); scale != 1)
    for (float& w : rows.weight) w *= scale;

  // The last source rows read, as floats. Padding elements beyond a row's end are mixed but never written.
  const std::size_t across = static_cast<std::size_t>(at.columns.extent);
  const std::size_t padded = (Channels * across + 8) / 8 * 8, buffered = rows.count;
  memory.resize((buffered + 1) * padded);
  window.resize(buffered);
  float* const mixed = memory.data() + buffered * padded;
  const auto top = static_cast<std::size_t>(at.rows.begin), left = static_cast<std::size_t>(at.columns.begin);
  std::size_t unread = 0, slot = 0;
  const auto next = [buffered](std::size_t of) { return of + 1 == buffered ? 0 : of + 1; };
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t first = rows.first[y];
    for (unread = unread < first ? first : unread; unread < first + buffered; ++unread, slot = next(slot))
      read(top + unread, left, across, memory.data() + slot * padded);
    // The next slot to be overwritten holds the oldest row.
    for (std::size_t k = 0, oldest = slot; k < buffered; ++k, oldest = next(oldest))
      window[k] = memory.data() + oldest * padded;
    mix_row(window.data(), rows.weight.data() + y * buffered, buffered, padded, mixed, columns, view, y);
  }
}

/// Resamples an image whose type is known at run time only.
template <std::size_t Channels>
[[gnu::noinline]] void resample(const image_view& image, const resampling_map& at,
                                const basic_planar_view<Channels>& view, resample_workspace& workspace) {
  const sample_range bounds = bounds_of(image.type, image.range);
  const auto read = [&](std::size_t row, std::size_t column, std::size_t count, float* to) {
    read_any_row<Channels>(image, row, column, count, bounds.low, to);
  };
  resample<Channels>(read, bounds, at, view, workspace);
}

}  // namespace detail

/// Resamples the part of an image that `at` selects into a view with values in [0, 1], reading each source
/// row once. An image of one channel is read as `Channels` equal ones.
template <ImageSource Image, std::size_t Channels>
void resample(const Image& image, const resampling_map& at, const basic_planar_view<Channels>& view,
              resample_workspace& workspace) {
  const auto* const samples = pixels_of(image);
  using sample = std::remove_cvref_t<decltype(*samples)>;
  const auto [type, range] = samples_of(image);
  if constexpr (ImageSample<sample>) {
    image_view any{reinterpret_cast<const std::uint8_t*>(samples),
                   image.height,
                   image.width,
                   image.channels,
                   type,
                   range,
                   {}};
    if constexpr (StridedImage<Image>) any.strides = image.strides;
    detail::resample(any, at, view, workspace);
  } else {
    const sample_range bounds = bounds_of(type, range);
    const auto read = [&](std::size_t row, std::size_t column, std::size_t count, float* to) {
      detail::read_row<Channels>(samples, image.channels, (row * image.width + column) * image.channels,
                                 count, bounds.low, to);
    };
    detail::resample<Channels>(read, bounds, at, view, workspace);
  }
}

}  // namespace pretext::inline v0_1::kernels
