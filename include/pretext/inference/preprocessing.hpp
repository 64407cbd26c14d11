// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/augment/augmentation.hpp>
#include <pretext/augment/color_ops.hpp>
#include <pretext/augment/crops.hpp>
#include <pretext/io/sample_levels.hpp>

// Training and evaluation fix an augmentation as a type while compiling. An encoder file cannot store a type,
// so inference describes the same operations by a value that is read from the file.
namespace pretext::inline v0_1 {

/// How an image of any size becomes the encoder's input size.
enum class image_fit {
  whole,         ///< resizes the whole image and ignores its aspect ratio (`resized`)
  central_crop,  ///< resizes the central `proportion` of the image (`central_crop`)
  shorter_side   ///< resizes the shorter side to `shorter_side`, then crops the center
                 ///< (`resized_central_crop`)
};

/// How inference turns an image into an encoder's input: fit it to the input size, scale its samples to [0,
/// 1], then normalise each channel. The default resizes the whole image and does not normalise.
template <std::size_t Channels>
struct basic_preprocessing {
  image_fit fit = image_fit::whole;
  float proportion = .875f;        ///< of the image's side, in (0, 1]; for image_fit::central_crop
  bool round_down = false;         ///< rounds the crop's side down, as BYOL does; for image_fit::central_crop
  std::size_t shorter_side = 256;  ///< in pixels, at least the input size; for image_fit::shorter_side
  interpolation method = interpolation::bicubic_tensorflow;
  /// (value - mean) / deviation, per channel
  basic_normalise<Channels> normalisation{uniform_pixel<Channels>(0), uniform_pixel<Channels>(1)};
  sample_levels levels{};  ///< of images whose `range` is the whole range of their type; others keep theirs

  friend constexpr bool operator==(const basic_preprocessing&, const basic_preprocessing&) = default;
};
/// The preprocessing of an encoder of RGB images.
using preprocessing = basic_preprocessing<3>;

/// The preprocessing of torchvision's and timm's ImageNet models of 224 pixels: the shorter side becomes 256
/// pixels, the central 224 x 224 are used, with ImageNet's mean and standard deviation.
constexpr preprocessing imagenet_preprocessing(std::size_t shorter_side = 256,
                                               interpolation method = interpolation::bilinear_antialias) {
  return {.fit = image_fit::shorter_side,
          .shorter_side = shorter_side,
          .method = method,
          .normalisation = normalise{}};
}

/// The operation of an augmentation that fits an image to the view; which one is chosen at run time.
struct fit_image {
  image_fit fit = image_fit::whole;
  resized whole{};
  central_crop crop{};
  resized_central_crop shorter{};

  static constexpr std::uint32_t stream_id = 0, stream_size = 0;
  static constexpr bool is_crop = true;
  struct choice {};

  PRETEXT_HOST_DEVICE choice choose(const random_draws&, image_extent, image_extent) const { return {}; }
  PRETEXT_HOST_DEVICE void map_to_source(choice, image_extent image, image_extent view,
                                         resampling_map& at) const {
    if (fit == image_fit::whole) whole.map_to_source({}, image, view, at);
    if (fit == image_fit::central_crop) crop.map_to_source({}, image, view, at);
    if (fit == image_fit::shorter_side) shorter.map_to_source({}, image, view, at);
  }
  void check(image_extent view) const {
    if (fit == image_fit::central_crop) crop.check(view);
    if (fit == image_fit::shorter_side) shorter.check(view);
  }
};

/// The augmentation that a preprocessing describes, without its levels; it draws no random numbers.
template <std::size_t Channels = 3>
constexpr auto make_augmentation(const basic_preprocessing<Channels>& from) {
  return augmentation<fit_image, basic_normalise<Channels>>{
      fit_image{from.fit,
                {from.method},
                {from.proportion, from.method, from.round_down},
                {from.shorter_side, from.method}},
      from.normalisation};
}

namespace detail {

template <class Op>
inline constexpr bool is_fit_op =
    std::same_as<Op, resized> || std::same_as<Op, central_crop> || std::same_as<Op, resized_central_crop>;

constexpr void describe_op(const resized& op, auto& to) {
  to.fit = image_fit::whole;
  to.method = op.method;
}
constexpr void describe_op(const central_crop& op, auto& to) {
  to.fit = image_fit::central_crop;
  to.proportion = op.proportion;
  to.round_down = op.round_down;
  to.method = op.method;
}
constexpr void describe_op(const resized_central_crop& op, auto& to) {
  to.fit = image_fit::shorter_side;
  to.shorter_side = op.shorter_side;
  to.method = op.method;
}
template <std::size_t Channels>
constexpr void describe_op(const basic_normalise<Channels>& op, basic_preprocessing<Channels>& to) {
  to.normalisation = op;
}

template <class Op>
inline constexpr bool is_normalise_op = false;
template <std::size_t Channels>
inline constexpr bool is_normalise_op<basic_normalise<Channels>> = true;

/// Does a `preprocessing` describe this augmentation: at most one resize or central crop, then at most one
/// normalisation?
template <class Augmentation>
inline constexpr bool is_preprocessing = false;
template <class... Ops>
inline constexpr bool is_preprocessing<augmentation<Ops...>> =
    ((is_fit_op<Ops> || is_normalise_op<Ops>)&&...) && (std::size_t{is_normalise_op<Ops>} + ... + 0) <= 1;

}  // namespace detail

/// An augmentation that a `preprocessing` can describe, such as those that evaluation uses: `whole_image()`,
/// `evaluation_crop()`, `mae_evaluation()`.
template <class Augmentation>
concept PreprocessingAugmentation = detail::is_preprocessing<Augmentation>;

/// The preprocessing that an evaluation augmentation of images of so many channels performs.
template <std::size_t Channels = 3, class... Ops>
  requires PreprocessingAugmentation<augmentation<Ops...>>
constexpr basic_preprocessing<Channels> preprocessing_of(const augmentation<Ops...>& from) {
  basic_preprocessing<Channels> described;
  (detail::describe_op(from.template get<Ops>(), described), ...);
  return described;
}

}  // namespace pretext::inline v0_1
