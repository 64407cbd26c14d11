// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <utility>

#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>
#include <pretext/kernels/image/resampling.hpp>

// Every operation on whole planes is compiled for each instruction set by itself and never inlined, so that
// pipelines share the operations they have in common.
namespace pretext::inline v0_1::kernels {

namespace detail {

/// to[i] = Σ_k weight[k] (from[i + k·step] + from[i − k·step]).
[[gnu::noinline]] inline void filter_line(const float* from, std::size_t step, const filter_taps& taps,
                                          float* out, std::size_t count) {
  vectorised([=, &taps] {
    const float* w = taps.weight;
    float* __restrict const to = out;
    for (std::size_t i = 0; i < count; ++i) to[i] = w[0] * from[i];
    std::size_t k = 1;
    for (; k + 3 <= taps.radius; k += 4) {
      const float *a = from + k * step, *z = from - k * step;
      const float w0 = w[k], w1 = w[k + 1], w2 = w[k + 2], w3 = w[k + 3];
      for (std::size_t i = 0; i < count; ++i)
        to[i] +=
            (w0 * (a[i] + z[i]) + w1 * (a[i + step] + *(z + i - step))) +
            (w2 * (a[i + 2 * step] + *(z + i - 2 * step)) + w3 * (a[i + 3 * step] + *(z + i - 3 * step)));
    }
    for (; k <= taps.radius; ++k) {
      const float *a = from + k * step, *z = from - k * step;
      const float w0 = w[k];
      for (std::size_t i = 0; i < count; ++i) to[i] += w0 * (a[i] + z[i]);
    }
  });
}

/// Filters one plane along its rows and its columns; `spare` as in `basic_planar_view`.
[[gnu::noinline]] inline void filter_plane(float* values, image_extent extent, const filter_taps& taps,
                                           padding border, float* spare) {
  const std::size_t h = extent.height, w = extent.width, pad = taps.radius;
  float* const line = spare + (h + 2 * pad) * w;
  for (std::size_t y = 0; y < h; ++y) {
    const float* row = values + y * w;
    std::copy_n(row, w, line + pad);
    for (std::size_t k = 1; k <= pad; ++k) {
      line[pad - k] = border == padding::reflect ? row[k] : 0;
      line[pad + w - 1 + k] = border == padding::reflect ? row[w - 1 - k] : 0;
    }
    filter_line(line + pad, 1, taps, spare + (y + pad) * w, w);
  }
  for (std::size_t k = 1; k <= pad; ++k)
    for (float* out : {spare + (pad - k) * w, spare + (pad + h - 1 + k) * w}) {
      const bool above = out < spare + pad * w;
      if (border == padding::zeros)
        std::fill_n(out, w, 0.f);
      else
        std::copy_n(spare + (pad + (above ? k : h - 1 - k)) * w, w, out);
    }
  for (std::size_t y = 0; y < h; ++y) filter_line(spare + (y + pad) * w, w, taps, values + y * w, w);
}

}  // namespace detail

/// A view while it is being computed: one plane per channel, and `spare` memory to filter one of them or to
/// copy all. Not owned.
template <std::size_t Channels>
struct basic_planar_view {
  static constexpr std::size_t channels = Channels;
  using pixel_type = pixel<Channels>;

  image_extent extent;
  float* plane[Channels];
  float* spare;

  constexpr std::size_t size() const { return extent.height * extent.width; }
  /// Elements of `spare` that `map_pixels`, and `filter` with the given radius, need.
  static constexpr std::size_t spare_size(image_extent view, std::size_t radius) {
    return std::max((view.height + 2 * radius) * view.width + view.width + 2 * radius,
                    Channels * view.height * view.width);
  }

  /// Replaces every pixel p by f(p); vectorised if no arm of a `?:` in f computes anything
  /// (kernels/image/color.hpp).
  template <class F>
  [[gnu::noinline]] void map(F f) const {
    pretext::detail::require_pixels<F, Channels>();
    vectorised([&] { map_planes(all, F{f}); });
  }

  /// The mean of f(p) over all pixels, summed in an order that is the same for every instruction set.
  template <class F>
  [[gnu::noinline]] pixel_type mean(F f) const {
    pretext::detail::require_pixels<F, Channels>();
    pixel_type mean;
    vectorised([&] { mean = mean_of_planes(all, F{f}); });
    return mean;
  }

  /// Replaces the pixel in row y and column x by f(y, x, before), where `before(row, column)` is a pixel of
  /// the unchanged view.
  template <class F>
  [[gnu::noinline]] void map_pixels(F f) const {
    vectorised([&] { map_at(all, F{f}); });
  }

  /// The number of pixels of each level in each channel of an RGB view.
  [[gnu::noinline]] level_counts histogram() const requires(Channels == 3) {
    level_counts counts;
    vectorised([&] {
      for (std::size_t i = 0, n = size(); i < n; ++i) {
        ++counts.r[color::level(plane[0][i])];
        ++counts.g[color::level(plane[1][i])];
        ++counts.b[color::level(plane[2][i])];
      }
    });
    return counts;
  }

  /// Filters every plane along its rows and its columns.
  void filter(filter_taps taps, padding border) const {
    // Outer taps that are too small to change a float are dropped: a small σ needs few taps.
    while (taps.radius > 0 && taps.weight[taps.radius] < 1e-9f) --taps.radius;
    if (taps.radius == 0) return;
    for (float* each : plane) detail::filter_plane(each, extent, taps, border, spare);
  }

  /// Filters every plane by a Gaussian (`gaussian_taps`).
  void blur(float sigma, std::size_t radius, padding border) const {
    filter(gaussian_taps(sigma, radius), border);
  }

 private:
  static constexpr std::make_index_sequence<Channels> all{};

  template <std::size_t... C, class F>
  void map_planes(std::index_sequence<C...>, F f) const {
    map_unaliased(all, f, size(), plane[C]...);
  }
  template <std::size_t... C, class F, class... Floats>
  static void map_unaliased(std::index_sequence<C...>, F& f, std::size_t n, Floats* __restrict... at) {
    for (std::size_t i = 0; i < n; ++i) {
      const pixel_type p = f(pixel_type{at[i]...});
      ((at[i] = channel_of<C>(p)), ...);
    }
  }

  template <std::size_t... C, class F>
  pixel_type mean_of_planes(std::index_sequence<C...>, F f) const {
    constexpr std::size_t lanes = 64;
    float sum[Channels][lanes]{};
    for (std::size_t begin = 0; begin < size(); begin += lanes) {
      const std::size_t count = std::min(size() - begin, lanes);
      for (std::size_t i = 0; i < count; ++i) {
        const pixel_type p = f(pixel_type{plane[C][begin + i]...});
        ((sum[C][i] += channel_of<C>(p)), ...);
      }
    }
    double total[Channels]{};
    for (std::size_t lane = 0; lane < lanes; ++lane) ((total[C] += sum[C][lane]), ...);
    const double count = static_cast<double>(size());
    return {static_cast<float>(total[C] / count)...};
  }

  template <std::size_t... C, class F>
  void map_at(std::index_sequence<C...>, F f) const {
    const std::size_t width = extent.width, n = size();
    float* const copy = spare;
    (std::copy_n(plane[C], n, copy + C * n), ...);
    const auto before = [=](std::size_t y, std::size_t x) {
      return pixel_type{copy[C * n + y * width + x]...};
    };
    for (std::size_t y = 0, at = 0; y < extent.height; ++y)
      for (std::size_t x = 0; x < width; ++x, ++at) {
        const pixel_type p = f(y, x, before);
        ((plane[C][at] = channel_of<C>(p)), ...);
      }
  }
};
/// A view of three channels.
using planar_view = basic_planar_view<3>;

}  // namespace pretext::inline v0_1::kernels
