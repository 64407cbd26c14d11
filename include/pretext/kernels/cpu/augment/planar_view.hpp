#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::kernels {

/// A view while it is being computed: three planes, and `spare` memory to filter one of them or to copy all
/// three. Not owned.
struct planar_view {
  image_extent extent;
  float* r;
  float* g;
  float* b;
  float* spare;

  constexpr std::size_t size() const { return extent.height * extent.width; }
  /// Elements of `spare` that `map_pixels`, and `filter` with the given radius, need.
  static constexpr std::size_t spare_size(image_extent view, std::size_t radius) {
    return std::max((view.height + 2 * radius) * view.width + view.width + 2 * radius,
                    3 * view.height * view.width);
  }

  /// Replaces every pixel p by f(p); vectorised if no arm of a `?:` in f computes anything
  /// (kernels/image/color.hpp).
  template <class F>
  void map(F f) const {
    float* __restrict const red = r;
    float* __restrict const green = g;
    float* __restrict const blue = b;
    for (std::size_t i = 0, n = size(); i < n; ++i) {
      const rgb p = f(rgb{red[i], green[i], blue[i]});
      red[i] = p.r;
      green[i] = p.g;
      blue[i] = p.b;
    }
  }

  /// The mean of f(p) over all pixels, summed in an order that is the same for every instruction set.
  template <class F>
  rgb mean(F f) const {
    constexpr std::size_t lanes = 64;
    float red[lanes]{}, green[lanes]{}, blue[lanes]{};
    const float *from_red = r, *from_green = g, *from_blue = b;
    for (std::size_t left = size(); left > 0;) {
      const std::size_t count = std::min<std::size_t>(left, lanes);
      for (std::size_t i = 0; i < count; ++i) {
        const rgb p = f(rgb{from_red[i], from_green[i], from_blue[i]});
        red[i] += p.r;
        green[i] += p.g;
        blue[i] += p.b;
      }
      from_red += count, from_green += count, from_blue += count, left -= count;
    }
    double total[3]{};
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      total[0] += red[lane];
      total[1] += green[lane];
      total[2] += blue[lane];
    }
    const double count = static_cast<double>(size());
    return {static_cast<float>(total[0] / count), static_cast<float>(total[1] / count),
            static_cast<float>(total[2] / count)};
  }

  /// Replaces the pixel in row y and column x by f(y, x, before), where `before(row, column)` is a pixel of
  /// the unchanged view.
  template <class F>
  void map_pixels(F f) const {
    const std::size_t width = extent.width, n = size();
    float *const red = spare, *const green = spare + n, *const blue = spare + 2 * n;
    std::copy_n(r, n, red);
    std::copy_n(g, n, green);
    std::copy_n(b, n, blue);
    const auto before = [=](std::size_t y, std::size_t x) {
      const std::size_t at = y * width + x;
      return rgb{red[at], green[at], blue[at]};
    };
    for (std::size_t y = 0, at = 0; y < extent.height; ++y)
      for (std::size_t x = 0; x < width; ++x, ++at) {
        const rgb p = f(y, x, before);
        r[at] = p.r;
        g[at] = p.g;
        b[at] = p.b;
      }
  }

  /// The number of pixels of each level in each channel.
  level_counts histogram() const {
    level_counts counts;
    for (std::size_t i = 0, n = size(); i < n; ++i) {
      ++counts.r[color::level(r[i])];
      ++counts.g[color::level(g[i])];
      ++counts.b[color::level(b[i])];
    }
    return counts;
  }

  /// Filters every plane along its rows and its columns.
  void filter(filter_taps taps, padding border) const {
    // Outer taps that are too small to change a float are dropped: a small σ needs few taps.
    while (taps.radius > 0 && taps.weight[taps.radius] < 1e-9f) --taps.radius;
    if (taps.radius == 0) return;
    for (float* plane : {r, g, b}) filter_plane(plane, taps, border);
  }

 private:
  /// to[i] = Σ_k weight[k] (from[i + k·step] + from[i − k·step]).
  static void filter_line(const float* from, std::size_t step, const filter_taps& taps, float* __restrict to,
                          std::size_t count) {
    const float* w = taps.weight;
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
  }

  void filter_plane(float* plane, const filter_taps& taps, padding border) const {
    const std::size_t h = extent.height, w = extent.width, pad = taps.radius;
    float* const line = spare + (h + 2 * pad) * w;
    for (std::size_t y = 0; y < h; ++y) {
      const float* row = plane + y * w;
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
    for (std::size_t y = 0; y < h; ++y) filter_line(spare + (y + pad) * w, w, taps, plane + y * w, w);
  }
};

}  // namespace pretext::inline v0_1::kernels
