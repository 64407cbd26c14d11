// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/augmentation.hpp>
#include <pretext/augment/color_jitter.hpp>
#include <pretext/augment/color_ops.hpp>
#include <pretext/augment/crop.hpp>
#include <pretext/augment/crops.hpp>
#include <pretext/augment/flip.hpp>
#include <pretext/augment/gaussian_blur.hpp>
#include <pretext/augment/gaussian_noise.hpp>
#include <pretext/augment/intensity_jitter.hpp>
#include <pretext/augment/orientation.hpp>
#include <pretext/augment/rand_augment.hpp>
#include <pretext/augment/random_erasing.hpp>
#include <pretext/augment/views.hpp>

// Pipelines are templates over a part of them, so that a program compiles those that it uses.
namespace pretext::inline v0_1 {

/// SimCLR's views of ImageNet (App. A); `strength` scales the color jitter, 1 in the paper. `Brightness` is
/// additive in the paper and `multiplicative_brightness` in the repository's version 2. No normalisation, as
/// in the official code.
template <class Brightness = additive_brightness>
constexpr auto simclr_imagenet(float strength = 1) {
  return augmentation{random_resized_crop<>{}, horizontal_flip{},
                      color_jitter<Brightness>{.brightness = .8f * strength,
                                               .contrast = .8f * strength,
                                               .saturation = .8f * strength,
                                               .hue = .2f * strength},
                      grayscale{}, gaussian_blur{}};
}

/// SimCLR's views of CIFAR-10 (App. B.9): strength ½, no blur.
template <class Brightness = additive_brightness>
constexpr auto simclr_cifar(float strength = .5f) {
  return augmentation{random_resized_crop<>{}, horizontal_flip{},
                      color_jitter<Brightness>{.brightness = .8f * strength,
                                               .contrast = .8f * strength,
                                               .saturation = .8f * strength,
                                               .hue = .2f * strength},
                      grayscale{}};
}

/// Views of images of any number of channels, in the manner of SimCLR: crop, flip, brightness and contrast,
/// blur, noise. `strength` scales brightness and contrast.
template <class Box = torchvision_crop_box>
constexpr auto simclr_any_channels(float strength = .5f) {
  return augmentation{random_resized_crop<Box>{.area = {.2f, 1}, .method = interpolation::bilinear},
                      horizontal_flip{},
                      intensity_jitter<>{.brightness = .8f * strength, .contrast = .8f * strength},
                      gaussian_blur{}, gaussian_noise{}};
}

/// One of BYOL's two distributions (App. B, Table 6), with ImageNet's normalisation.
template <class Box = byol_crop_box>
constexpr auto byol_augmentation(float blur_probability, float solarize_probability) {
  return augmentation{random_resized_crop<Box>{},
                      horizontal_flip{},
                      color_jitter<>{.brightness = .4f, .contrast = .4f, .saturation = .2f, .hue = .1f},
                      grayscale{},
                      gaussian_blur{.probability = blur_probability},
                      solarize{.probability = solarize_probability},
                      normalise{}};
}

/// BYOL's T and T′: the first view is always blurred, the second with probability 0.1, and solarized with
/// 0.2.
template <class Box = byol_crop_box>
constexpr auto byol_views() {
  return two_views{byol_augmentation<Box>(1, 0), byol_augmentation<Box>(.1f, .2f)};
}

/// MAE's augmentation for pretraining: crops of 20 % to 100 % of the area, flips, ImageNet's normalisation
/// (Table 8; main_pretrain.py of the official code).
template <class Box = torchvision_crop_box>
constexpr auto mae_augmentation() {
  return augmentation{random_resized_crop<Box>{.area = {.2f, 1}, .method = interpolation::bicubic_antialias},
                      horizontal_flip{}, normalise{}};
}

/// MAE's augmentation for fine-tuning (Table 9; FINETUNE.md of the official code): crops of 8 % to 100 % of
/// the area, flips, RandAugment, ImageNet's normalisation, erasing with probability ¼. Mixup and cutmix,
/// which mix whole batches, come after it (`batch_mixing`).
template <class Box = torchvision_crop_box>
constexpr auto mae_fine_tuning_augmentation(float erasing_probability = .25f) {
  return augmentation{random_resized_crop<Box>{.method = interpolation::bicubic_antialias}, horizontal_flip{},
                      rand_augment{}, normalise{}, random_erasing{.probability = erasing_probability}};
}

/// MAE's evaluation with 224-pixel views: shorter side 256, then the centre.
constexpr auto mae_evaluation(std::size_t shorter_side = 256) {
  return augmentation{resized_central_crop{.shorter_side = shorter_side}, normalise{}};
}

/// Crop and flip alone: training of linear probes and fine-tuning in SimCLR and BYOL.
constexpr auto crop_and_flip() { return augmentation{random_resized_crop<>{}, horizontal_flip{}}; }

/// SimCLR's evaluation: the central 87.5 %.
constexpr auto evaluation_crop() { return augmentation{central_crop{}}; }

/// The whole image, for the evaluation of small images.
constexpr auto whole_image() { return augmentation{resized{}}; }

}  // namespace pretext::inline v0_1
