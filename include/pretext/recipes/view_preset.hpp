// SPDX-License-Identifier: MIT
#pragma once
// The views of the presets, with torchvision's formulas. One pipeline serves colour and other images: what
// needs colour is replaced by what is left of it, and an operation with probability 0 costs nothing.
#include <cstddef>

#include <pretext/augment/augmentation.hpp>
#include <pretext/augment/color_jitter.hpp>
#include <pretext/augment/color_ops.hpp>
#include <pretext/augment/crop.hpp>
#include <pretext/augment/flip.hpp>
#include <pretext/augment/gaussian_blur.hpp>
#include <pretext/augment/gaussian_noise.hpp>
#include <pretext/augment/intensity_jitter.hpp>
#include <pretext/augment/orientation.hpp>
#include <pretext/augment/views.hpp>
#include <pretext/core/shape.hpp>

namespace pretext::inline v0_1 {

/// How much the views of an image may differ.
struct view_preset {
  float minimum_area = .2f;  ///< of a random crop, as a fraction of the image
  float maximum_area = 1;
  float jitter = .5f;  ///< strength s of brightness, contrast, saturation and hue
  float color = 1;     ///< factor of saturation, hue and the probability of gray views (RGB)
  float blur = 1;      ///< factor of the papers' probabilities; views of at most 32 pixels have none
  bool any_orientation = false;  ///< the images have no upright position
  bool flip = true;              ///< half of the views are flipped left to right

  friend constexpr bool operator==(const view_preset&, const view_preset&) = default;
};

/// The small crops of multi-crop beside these views (Caron et al. 2020, §3.2): of a part of the image between
/// `minimum_area` and the smallest part that the large crops have.
constexpr view_preset local_crops_beside(view_preset views, float minimum_area = .05f) {
  views.maximum_area = views.minimum_area;
  views.minimum_area = minimum_area;
  return views;
}

/// Normalises nothing: mean 0, deviation 1.
template <std::size_t Channels>
constexpr basic_normalise<Channels> no_normalisation() {
  return {uniform_pixel<Channels>(0), uniform_pixel<Channels>(1)};
}

namespace detail {

/// Changes of brightness, contrast and colour: torchvision's jitter for RGB, what is left of it for other
/// channels.
template <std::size_t Channels>
constexpr auto jitter_of(float intensity, float saturation, float hue) {
  if constexpr (Channels == 3)
    return torchvision_jitter{
        .brightness = intensity, .contrast = intensity, .saturation = saturation, .hue = hue};
  else
    return intensity_jitter<>{.brightness = intensity, .contrast = intensity};
}
/// Gray views for RGB, noise for other channels.
template <std::size_t Channels>
constexpr auto gray_or_noise(const view_preset& views) {
  if constexpr (Channels == 3)
    return grayscale{.probability = .2f * views.color};
  else
    return gaussian_noise{};
}
constexpr auto crop_of(const view_preset& views, interpolation method) {
  return random_resized_crop<torchvision_crop_box>{.area = {views.minimum_area, views.maximum_area},
                                                   .method = method};
}
constexpr horizontal_flip flip_of(const view_preset& views) {
  return {.probability = views.flip ? .5f : 0.f};
}
constexpr random_orientation orientation_of(const view_preset& views) {
  return {.probability = views.any_orientation ? 1.f : 0.f};
}
/// Blur is for views of more than 32 pixels (SimCLR, App. B.9): its kernel would have three taps.
template <Shape Images>
constexpr gaussian_blur blur_of(const view_preset& views, float probability) {
  return {.probability = Images::extents[0] > 32 ? views.blur * probability : 0.f};
}

}  // namespace detail

/// SimCLR's views (Chen et al. 2020, App. A), both from one distribution.
template <Shape Images, std::size_t Channels = channels_of<Images>>
constexpr auto make_simclr_views(
    const view_preset& views, const basic_normalise<Channels>& normalisation = no_normalisation<Channels>()) {
  const float s = views.jitter;
  return two_views{augmentation{
      detail::crop_of(views, interpolation::bilinear), detail::flip_of(views), detail::orientation_of(views),
      detail::jitter_of<Channels>(.8f * s, .8f * s * views.color, .2f * s * views.color),
      detail::gray_or_noise<Channels>(views), detail::blur_of<Images>(views, .5f), normalisation}};
}

namespace detail {
/// One of BYOL's views, with these probabilities.
template <Shape Images, std::size_t Channels>
constexpr auto byol_view(const view_preset& views, const basic_normalise<Channels>& normalisation, float blur,
                         float solarization) {
  const float s = views.jitter;
  return augmentation{crop_of(views, interpolation::bilinear),
                      flip_of(views),
                      orientation_of(views),
                      jitter_of<Channels>(.8f * s, .4f * s * views.color, .2f * s * views.color),
                      gray_or_noise<Channels>(views),
                      blur_of<Images>(views, blur),
                      solarize{.probability = solarization},
                      normalisation};
}
}  // namespace detail

/// BYOL's views T and T′ (Grill et al. 2020, App. B, Table 6): T is always blurred; T′ is blurred with
/// probability 0.1 and solarized with probability 0.2.
template <Shape Images, std::size_t Channels = channels_of<Images>>
constexpr auto make_byol_views(
    const view_preset& views, const basic_normalise<Channels>& normalisation = no_normalisation<Channels>()) {
  return two_views{detail::byol_view<Images>(views, normalisation, 1, 0),
                   detail::byol_view<Images>(views, normalisation, .1f, .2f)};
}

/// DINO's small crops (Caron et al. 2021, official code): as BYOL's T, blurred with probability ½.
template <Shape Images, std::size_t Channels = channels_of<Images>>
constexpr auto make_dino_local_view(
    const view_preset& views, const basic_normalise<Channels>& normalisation = no_normalisation<Channels>()) {
  return detail::byol_view<Images>(views, normalisation, .5f, 0);
}

/// MAE's view (He et al. 2022, Table 8): crop and flip.
template <Shape Images, std::size_t Channels = channels_of<Images>>
constexpr auto make_mae_view(const view_preset& views,
                             const basic_normalise<Channels>& normalisation = no_normalisation<Channels>()) {
  return augmentation{detail::crop_of(views, interpolation::bicubic_antialias), detail::flip_of(views),
                      detail::orientation_of(views), normalisation};
}

}  // namespace pretext::inline v0_1
