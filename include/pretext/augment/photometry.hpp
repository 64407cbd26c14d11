// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/color.hpp>
#include <pretext/kernels/image/levels.hpp>

// The operations of PIL's ImageOps and ImageEnhance on views of floats in [0, 1]. A view is rounded to 8 bits
// only where the operation is defined on the 256 levels.
namespace pretext::inline v0_1::photometry {

namespace detail {

/// Maps the darkest level of a channel to 0 and the brightest to 1.
struct stretch {
  float low = 0, factor = 1;

  PRETEXT_HOST_DEVICE explicit stretch(const std::uint32_t (&count)[256]) {
    int first = 0, last = 255;
    while (first < 255 && count[first] == 0) ++first;
    while (last > 0 && count[last] == 0) --last;
    if (last <= first) return;
    low = static_cast<float>(first) / 255;
    factor = 255.f / static_cast<float>(last - first);
  }
  PRETEXT_HOST_DEVICE float operator()(float x) const { return color::clipped((x - low) * factor); }
};

/// The table that equalises the histogram of a channel.
PRETEXT_HOST_DEVICE inline void equalising_table(const std::uint32_t (&count)[256], float (&table)[256]) {
  std::uint32_t total = 0, last = 0;
  int used = 0;
  for (const std::uint32_t here : count) {
    if (here == 0) continue;
    total += here;
    last = here;
    ++used;
  }
  const std::uint32_t step = used > 1 ? (total - last) / 255 : 0;
  std::uint32_t below = step / 2;
  for (std::uint32_t level = 0; level < 256; ++level) {
    const std::uint32_t to = step == 0 ? level : below / step;
    table[level] = static_cast<float>(to < 255 ? to : 255) / 255;
    below += count[level];
  }
}

/// Gray and the colour apart: PIL's weights of an L image.
PRETEXT_HOST_DEVICE constexpr float gray(rgb p) { return .299f * p.r + .587f * p.g + .114f * p.b; }

}  // namespace detail

/// Stretches each channel so that its darkest level becomes 0 and its brightest 1.
template <class View>
PRETEXT_HOST_DEVICE void auto_contrast(View& view) {
  const level_counts& counts = view.histogram();
  const detail::stretch r{counts.r}, g{counts.g}, b{counts.b};
  view.map([=](rgb p) { return rgb{r(p.r), g(p.g), b(p.b)}; });
}

/// Equalises the histogram of each channel; a channel with few pixels or one level does not change.
template <class View>
PRETEXT_HOST_DEVICE void equalize(View& view) {
  const level_counts& counts = view.histogram();
  level_table table;
  detail::equalising_table(counts.r, table.r);
  detail::equalising_table(counts.g, table.g);
  detail::equalising_table(counts.b, table.b);
  view.map([&table](rgb p) { return table(p); });
}

/// 1 − x.
template <class View>
PRETEXT_HOST_DEVICE void invert(View& view) {
  view.map([](rgb p) { return rgb{1 - p.r, 1 - p.g, 1 - p.b}; });
}

/// Keeps the upper `bits` of the 8 bits of each level, 0 to 8.
template <class View>
PRETEXT_HOST_DEVICE void posterize(View& view, int bits) {
  const std::uint32_t mask = 0xFFu << (8 - bits);
  const auto cut = [mask](float x) { return static_cast<float>(color::level(x) & mask & 0xFFu) / 255; };
  view.map([cut](rgb p) { return rgb{cut(p.r), cut(p.g), cut(p.b)}; });
}

/// Inverts the levels from `threshold` on, 0 to 256.
template <class View>
PRETEXT_HOST_DEVICE void solarize_from(View& view, int threshold) {
  const float limit = (static_cast<float>(threshold) - .5f) / 255;
  view.map([limit](rgb p) {
    return rgb{color::solarized(p.r, limit), color::solarized(p.g, limit), color::solarized(p.b, limit)};
  });
}

/// Adds `levels` to each level below 128.
template <class View>
PRETEXT_HOST_DEVICE void solarize_add(View& view, int levels) {
  const float more = static_cast<float>(levels) / 255;
  const auto add = [more](float x) { return color::smaller(x + (x < .5f ? more : 0.f), 1.f); };
  view.map([add](rgb p) { return rgb{add(p.r), add(p.g), add(p.b)}; });
}

/// Interpolates between the gray image (factor 0) and the view (1); above 1, colors are exaggerated.
template <class View>
PRETEXT_HOST_DEVICE void color_balance(View& view, float factor) {
  view.map([factor](rgb p) {
    const float y = detail::gray(p);
    return color::clipped(color::contrasted(p, {y, y, y}, factor));
  });
}

/// Scales the distance of each pixel from the mean gray, which is rounded to a level.
template <class View>
PRETEXT_HOST_DEVICE void contrast(View& view, float factor) {
  const rgb mean = view.mean([](rgb p) {
    const float y = detail::gray(p);
    return rgb{y, y, y};
  });
  const float y = static_cast<float>(color::level(mean.r)) / 255;
  view.map([=](rgb p) { return color::clipped(color::contrasted(p, {y, y, y}, factor)); });
}

/// Multiplies each pixel by `factor`.
template <class View>
PRETEXT_HOST_DEVICE void brightness(View& view, float factor) {
  view.map([factor](rgb p) { return color::clipped(color::scaled(p, factor)); });
}

/// Interpolates between the view smoothed by (1 1 1; 1 5 1; 1 1 1) / 13 (factor 0) and the view (1), or
/// extrapolates beyond it; the outermost pixels do not change.
template <class View>
PRETEXT_HOST_DEVICE void sharpness(View& view, float factor) {
  const auto [height, width] = view.extent;
  view.map_pixels([=, h = height, w = width](std::size_t y, std::size_t x, const auto& before) {
    const rgb centre = before(y, x);
    if (y == 0 || x == 0 || y + 1 == h || x + 1 == w) return centre;
    rgb sum = color::scaled(centre, 4);
    for (std::size_t row = y - 1; row <= y + 1; ++row)
      for (std::size_t column = x - 1; column <= x + 1; ++column) {
        const rgb p = before(row, column);
        sum = {sum.r + p.r, sum.g + p.g, sum.b + p.b};
      }
    return color::clipped(color::contrasted(centre, color::scaled(sum, 1.f / 13), factor));
  });
}

}  // namespace pretext::inline v0_1::photometry
