// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/crop.hpp>

namespace pretext::inline v0_1 {

/// The largest central box with the ratio of the view, scaled by `proportion` in (0, 1] and resized to the
/// view: SimCLR's and BYOL's evaluation (BYOL rounds the sides down).
struct central_crop {
  float proportion = .875f;
  interpolation method = interpolation::bicubic_tensorflow;
  bool round_down = false;

  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  static constexpr bool is_crop = true;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  PRETEXT_HOST_DEVICE void map_to_source(choice, image_extent image, image_extent view,
                                         resampling_map& at) const {
    const double height = static_cast<double>(image.height), width = static_cast<double>(image.width);
    const double ratio = static_cast<double>(view.width) / static_cast<double>(view.height);
    const auto side = [this](double x) {
      const std::int64_t pixels = round_down ? static_cast<std::int64_t>(x) : detail::rounded(x);
      return pixels < 1 ? std::int64_t{1} : pixels;
    };
    const bool limited_by_width = ratio > width / height;
    at.rows.extent = side(limited_by_width ? proportion * width / ratio : proportion * height);
    at.columns.extent = side(limited_by_width ? proportion * width : proportion * height * ratio);
    at.rows.begin = (static_cast<std::int64_t>(image.height) - at.rows.extent + 1) / 2;
    at.columns.begin = (static_cast<std::int64_t>(image.width) - at.columns.extent + 1) / 2;
    at.method = method;
  }
  void check(image_extent) const {
    expects(0 < proportion && proportion <= 1, "central_crop: proportion ", proportion,
            " must lie within (0, 1]");
  }
};

/// The image resized so that its shorter side has `shorter_side` pixels, then the view cut out of its centre:
/// torchvision's Resize(256), CenterCrop(224). Only the pixels of the view are computed.
struct resized_central_crop {
  std::size_t shorter_side = 256;
  interpolation method = interpolation::bicubic_antialias;

  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  static constexpr bool is_crop = true;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  PRETEXT_HOST_DEVICE void map_to_source(choice, image_extent image, image_extent view,
                                         resampling_map& at) const {
    const std::size_t shorter = image.height < image.width ? image.height : image.width;
    const auto axis = [&](std::size_t extent, std::size_t shown) {
      const std::size_t scaled = shorter_side * extent / shorter;
      const double margin = static_cast<double>(scaled) - static_cast<double>(shown);
      return resampled_axis{0, static_cast<std::int64_t>(extent), static_cast<std::int64_t>(scaled),
                            detail::rounded(margin / 2)};
    };
    at.rows = axis(image.height, view.height);
    at.columns = axis(image.width, view.width);
    at.method = method;
  }
  void check(image_extent view) const {
    expects(shorter_side >= view.height && shorter_side >= view.width,
            "resized_central_crop: a shorter side of ", shorter_side, " cannot fill views of ", view.height,
            " x ", view.width);
  }
};

/// The whole image resized to the view, whatever its ratio; an image of the view's size is copied.
struct resized {
  interpolation method = interpolation::bicubic_tensorflow;

  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  static constexpr bool is_crop = true;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  PRETEXT_HOST_DEVICE void map_to_source(choice, image_extent, image_extent, resampling_map& at) const {
    at.method = method;
  }
};

}  // namespace pretext::inline v0_1
