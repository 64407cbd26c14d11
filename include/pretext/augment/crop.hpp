// SPDX-License-Identifier: MIT
#pragma once
// Papers describe the same "random resized crop", but their code samples boxes in three ways, with different
// distributions. The sampler is therefore a policy, and each one follows its original code down to the
// rounding.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include <pretext/augment/draws.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// A rectangle of source pixels, in pixels.
struct crop_box {
  std::int64_t top = 0, left = 0, height = 0, width = 0;
  friend constexpr bool operator==(const crop_box&, const crop_box&) = default;

  PRETEXT_HOST_DEVICE static constexpr crop_box whole(image_extent image) {
    return {0, 0, static_cast<std::int64_t>(image.height), static_cast<std::int64_t>(image.width)};
  }
};

/// The crops that a sampler may draw: the crop's fraction of the image's area and its width / height.
struct crop_limits {
  value_range area, ratio;
};

namespace detail {
/// Rounds half to even, as numpy, Python and C's lrint do.
PRETEXT_HOST_DEVICE inline std::int64_t rounded(double x) { return static_cast<std::int64_t>(std::rint(x)); }

/// Uniform in [low, high), in double precision: boxes are rounded to pixels and must not depend on the
/// device.
PRETEXT_HOST_DEVICE inline double between(const auto& draws, std::uint32_t draw, double low, double high) {
  return low + (high - low) * static_cast<double>(draws.uniform(draw));
}
/// Uniform in {0, …, count-1}, and 0 if that is empty.
PRETEXT_HOST_DEVICE inline std::int64_t offset(const auto& draws, std::uint32_t draw, std::int64_t count) {
  return count < 1 ? 0
                   : static_cast<std::int64_t>(draws.uniform_int(draw, static_cast<std::uint32_t>(count)));
}
}  // namespace detail

/// TensorFlow's `sample_distorted_bounding_box`, which Inception and SimCLR's official code use: the ratio is
/// uniform, the *height* uniform in the range that the area allows, and boxes that cover less than
/// `min_covered` of the image are rejected; after `attempts` rejections the crop is the whole image. As in
/// TensorFlow, boxes never touch the last row or column, unless they span the image.
struct distorted_bounding_box {
  float min_covered = .1f;       ///< fraction of the image's area
  std::uint32_t attempts = 100;  ///< at most 128

  PRETEXT_HOST_DEVICE crop_box operator()(const auto& draws, image_extent image, image_extent view,
                                          const crop_limits& limits) const {
    const crop_box whole = crop_box::whole(image);
    const double view_ratio = static_cast<double>(view.width) / static_cast<double>(view.height);
    const double pixels = static_cast<double>(whole.height) * static_cast<double>(whole.width);
    const double min_area = limits.area.low * pixels, max_area = limits.area.high * pixels;
    for (std::uint32_t attempt = 0; attempt < attempts; ++attempt) {
      const std::uint32_t draw = 4 * attempt;
      const double ratio =
          detail::between(draws, draw, limits.ratio.low * view_ratio, limits.ratio.high * view_ratio);
      const auto width_of = [ratio](std::int64_t height) {
        return detail::rounded(static_cast<double>(height) * ratio);
      };
      std::int64_t max_height = detail::rounded(std::sqrt(max_area / ratio));
      if (width_of(max_height) > whole.width) {
        max_height = static_cast<std::int64_t>((static_cast<double>(whole.width) + .5 - 1e-7) / ratio);
        if (width_of(max_height) > whole.width) --max_height;
      }
      max_height = max_height < whole.height ? max_height : whole.height;
      std::int64_t height = detail::rounded(std::sqrt(min_area / ratio));
      height = height < max_height ? height + detail::offset(draws, draw + 1, max_height - height + 1)
                                   : max_height;
      const auto area = [&] { return static_cast<double>(height * width_of(height)); };
      if (area() < min_area) ++height;
      if (area() > max_area) --height;
      const std::int64_t width = width_of(height);
      if (area() < min_area || area() > max_area || width > whole.width || height > whole.height ||
          width < 1 || height < 1 || area() < min_covered * pixels)
        continue;
      return {detail::offset(draws, draw + 2, whole.height - height),
              detail::offset(draws, draw + 3, whole.width - width), height, width};
    }
    return whole;
  }
};

/// torchvision's sampler: area uniform, ratio log-uniform; after `attempts` boxes that do not fit into the
/// image, the largest central box whose ratio is allowed. MAE uses it.
struct torchvision_crop_box {
  std::uint32_t attempts = 10;  ///< at most 128

  PRETEXT_HOST_DEVICE crop_box operator()(const auto& draws, image_extent image, image_extent,
                                          const crop_limits& limits) const {
    const crop_box whole = crop_box::whole(image);
    const double low = limits.ratio.low, high = limits.ratio.high;
    for (std::uint32_t attempt = 0; attempt < attempts; ++attempt) {
      const std::uint32_t draw = 4 * attempt;
      const double area = detail::between(draws, draw, limits.area.low, limits.area.high) *
                          static_cast<double>(whole.height * whole.width);
      const double ratio = std::exp(detail::between(draws, draw + 1, std::log(low), std::log(high)));
      const std::int64_t width = detail::rounded(std::sqrt(area * ratio));
      const std::int64_t height = detail::rounded(std::sqrt(area / ratio));
      if (width < 1 || width > whole.width || height < 1 || height > whole.height) continue;
      return {detail::offset(draws, draw + 2, whole.height - height + 1),
              detail::offset(draws, draw + 3, whole.width - width + 1), height, width};
    }
    crop_box box = whole;
    const double ratio = static_cast<double>(whole.width) / static_cast<double>(whole.height);
    if (ratio < low) box.height = detail::rounded(static_cast<double>(whole.width) / low);
    if (ratio > high) box.width = detail::rounded(static_cast<double>(whole.height) * high);
    box.top = (whole.height - box.height) / 2;
    box.left = (whole.width - box.width) / 2;
    return box;
  }
};

/// BYOL's sampler: area uniform, ratio log-uniform, one attempt, sides clipped to the image.
struct byol_crop_box {
  PRETEXT_HOST_DEVICE crop_box operator()(const auto& draws, image_extent image, image_extent,
                                          const crop_limits& limits) const {
    const crop_box whole = crop_box::whole(image);
    const double area = detail::between(draws, 0, limits.area.low, limits.area.high) *
                        static_cast<double>(whole.height * whole.width);
    const double ratio = std::exp(detail::between(draws, 1, std::log(static_cast<double>(limits.ratio.low)),
                                                  std::log(static_cast<double>(limits.ratio.high))));
    const auto clamped = [](std::int64_t side, std::int64_t max) {
      return side < 1 ? std::int64_t{1} : side < max ? side : max;
    };
    const std::int64_t width = clamped(detail::rounded(std::sqrt(area * ratio)), whole.width);
    const std::int64_t height = clamped(detail::rounded(std::sqrt(area / ratio)), whole.height);
    return {detail::offset(draws, 2, whole.height - height + 1),
            detail::offset(draws, 3, whole.width - width + 1), height, width};
  }
};

/// Cuts a random box out of the image and resizes it to the view (SimCLR App. A; BYOL App. B). A sampler
/// returns the `crop_box` and may draw 512 numbers.
template <class Sampler = distorted_bounding_box>
struct random_resized_crop {
  value_range area{.08f, 1};            ///< of the image's area, in (0, 1]
  value_range ratio{3.f / 4, 4.f / 3};  ///< width / height
  interpolation method = interpolation::bicubic_tensorflow;
  Sampler sampler{};

  static constexpr std::uint32_t stream_id = streams::crop.first, stream_size = streams::crop.size;
  static constexpr bool is_crop = true;
  using choice = crop_box;

  PRETEXT_HOST_DEVICE crop_box choose(const auto& draws, image_extent image, image_extent view) const {
    return sampler(draws, image, view, {area, ratio});
  }
  PRETEXT_HOST_DEVICE void map_to_source(const crop_box& box, image_extent, image_extent view,
                                         resampling_map& at) const {
    at.rows = {box.top, box.height, static_cast<std::int64_t>(view.height), 0};
    at.columns = {box.left, box.width, static_cast<std::int64_t>(view.width), 0};
    at.method = method;
  }
  void check(image_extent) const {
    expects(0 < area.low && area.low <= area.high && area.high <= 1, "random_resized_crop: area [", area.low,
            ", ", area.high, "] must lie within (0, 1]");
    expects(0 < ratio.low && ratio.low <= ratio.high, "random_resized_crop: ratio [", ratio.low, ", ",
            ratio.high, "] must be positive and ascending");
    if constexpr (requires { sampler.attempts; })
      expects(sampler.attempts <= stream_size / 4, "random_resized_crop: at most ", stream_size / 4,
              " attempts, not ", sampler.attempts);
  }
};

}  // namespace pretext::inline v0_1
