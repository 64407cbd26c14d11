// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/augment/draws.hpp>
#include <pretext/augment/map_pixels.hpp>
#include <pretext/augment/photometry.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>

namespace pretext::inline v0_1 {

/// The operations of timm's list whose severity grows with the magnitude, in its order.
enum class rand_operation : std::uint8_t {
  auto_contrast,
  equalize,
  invert,
  rotate,        ///< by up to 30 degrees
  posterize,     ///< to 4 bits, down to 0
  solarize,      ///< from level 256, down to 0
  solarize_add,  ///< up to 110 levels
  color,         ///< a factor of 1 ± 0.9, at least 0.1; also the next three
  contrast,
  brightness,
  sharpness,
  shear_x,  ///< by up to 0.3
  shear_y,
  translate_x,  ///< by up to 45 % of the width
  translate_y,
};
/// How many operations there are.
inline constexpr std::uint32_t rand_operations = 15;

/// RandAugment (Cubuk et al. 2020) of RGB views as in timm; by default MAE's rand-m9-mstd0.5-inc1: two
/// operations drawn with replacement, each applied with probability ½, at a magnitude from N(9, ½²) clamped
/// to [0, 10]. Put it after crop and flip and before normalisation. Geometric operations are bicubic. The
/// formulas are PIL's on float images, which are not rounded to 256 levels between operations.
struct rand_augment {
  float magnitude = 9;                              ///< in [0, 10]
  float deviation = .5f;                            ///< of the magnitude
  std::uint32_t layers = 2;                         ///< operations per view, at most 4
  float probability = .5f;                          ///< that each of them is applied
  rgb fill{124.f / 255, 116.f / 255, 104.f / 255};  ///< of pixels from outside of the view: ImageNet's mean

  static constexpr bool needs_unit_range = true;
  static constexpr std::uint32_t stream_id = streams::rand_augment.first,
                                 stream_size = streams::rand_augment.size;
  static constexpr std::uint32_t max_layers = 4;
  static_assert(8 * max_layers <= stream_size);

  /// One operation and its argument: degrees, bits, a level, a factor, or a fraction of the side.
  struct drawn_operation {
    bool applied = false;
    rand_operation operation{};
    float argument = 0;
  };
  struct choice {
    drawn_operation layer[max_layers];
  };

  PRETEXT_HOST_DEVICE choice choose(const auto& draws, image_extent, image_extent) const {
    choice all{};
    for (std::uint32_t layer = 0; layer < layers && layer < max_layers; ++layer) {
      const std::uint32_t draw = 8 * layer;
      const auto operation = static_cast<rand_operation>(draws.uniform_int(draw, rand_operations));
      const double noise = deviation * draws.normal(draw + 4);
      const double severity = magnitude + noise;
      all.layer[layer] = {draws.bernoulli(draw + 1, probability), operation,
                          argument_of(operation,
                                      severity < 0    ? 0
                                      : severity > 10 ? 10
                                                      : severity,
                                      draws.bernoulli(draw + 2, .5f))};
    }
    return all;
  }

  /// The argument of an operation at a magnitude in [0, 10]; `negated` applies to operations of two
  /// directions.
  PRETEXT_HOST_DEVICE static float argument_of(rand_operation operation, double magnitude, bool negated) {
    const double fraction = magnitude / 10, signed_fraction = negated ? -fraction : fraction;
    const auto truncated = [](double x) { return static_cast<double>(static_cast<int>(x)); };
    double argument = 0;
    switch (operation) {
      case rand_operation::auto_contrast:
      case rand_operation::equalize:
      case rand_operation::invert:
        break;
      case rand_operation::rotate:
        argument = signed_fraction * 30;
        break;
      case rand_operation::posterize:
        argument = 4 - truncated(fraction * 4);
        break;
      case rand_operation::solarize:
        argument = 256 - truncated(fraction * 256);
        break;
      case rand_operation::solarize_add:
        argument = truncated(fraction * 110);
        break;
      case rand_operation::color:
      case rand_operation::contrast:
      case rand_operation::brightness:
      case rand_operation::sharpness:
        argument = 1 + signed_fraction * .9;
        argument = argument < .1 ? .1 : argument;
        break;
      case rand_operation::shear_x:
      case rand_operation::shear_y:
        argument = signed_fraction * .3;
        break;
      case rand_operation::translate_x:
      case rand_operation::translate_y:
        argument = signed_fraction * .45;
        break;
    }
    return static_cast<float>(argument);
  }

  template <class View>
  PRETEXT_HOST_DEVICE void apply(const choice& chosen, View& view) const {
    static_assert(
        View::channels == 3,
        "pretext::rand_augment: its operations are those of RGB images; for views of other channels "
        "compose intensity_jitter, gaussian_noise, solarize and random_erasing.");
    for (std::uint32_t layer = 0; layer < layers && layer < max_layers; ++layer)
      if (chosen.layer[layer].applied) apply(chosen.layer[layer], view);
  }

  /// One operation.
  template <class View>
  PRETEXT_HOST_DEVICE void apply(const drawn_operation& chosen, View& view) const {
    const float argument = chosen.argument;
    const auto level = static_cast<int>(argument);
    const double amount = argument;
    switch (chosen.operation) {
      case rand_operation::auto_contrast:
        return photometry::auto_contrast(view);
      case rand_operation::equalize:
        return photometry::equalize(view);
      case rand_operation::invert:
        return photometry::invert(view);
      case rand_operation::rotate:
        return warp(view, affine_map::rotated(amount, view.extent), fill);
      case rand_operation::posterize:
        return photometry::posterize(view, level);
      case rand_operation::solarize:
        return photometry::solarize_from(view, level);
      case rand_operation::solarize_add:
        return photometry::solarize_add(view, level);
      case rand_operation::color:
        return photometry::color_balance(view, argument);
      case rand_operation::contrast:
        return photometry::contrast(view, argument);
      case rand_operation::brightness:
        return photometry::brightness(view, argument);
      case rand_operation::sharpness:
        return photometry::sharpness(view, argument);
      case rand_operation::shear_x:
        return warp(view, affine_map::sheared_x(amount), fill);
      case rand_operation::shear_y:
        return warp(view, affine_map::sheared_y(amount), fill);
      case rand_operation::translate_x:
        return warp(view, affine_map::translated(amount * static_cast<double>(view.extent.width), 0), fill);
      case rand_operation::translate_y:
        return warp(view, affine_map::translated(0, amount * static_cast<double>(view.extent.height)), fill);
    }
  }

  void check(image_extent) const {
    expects(0 <= magnitude && magnitude <= 10 && deviation >= 0, "rand_augment: magnitude ", magnitude,
            " must lie within [0, 10] and its deviation ", deviation, " must not be negative");
    expects(layers <= max_layers, "rand_augment: at most ", max_layers, " layers, not ", layers);
    expects(0 <= probability && probability <= 1, "rand_augment: probability ", probability,
            " must lie within [0, 1]");
  }
};

}  // namespace pretext::inline v0_1
