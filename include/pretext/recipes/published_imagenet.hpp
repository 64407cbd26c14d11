// SPDX-License-Identifier: MIT
#pragma once
// Joint-embedding methods on ImageNet, from papers, official codes and, where it says so, lightly's
// benchmarks.
#include <array>
#include <cstddef>

#include <pretext/recipes/detail/published_parts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// MoCo v2, facebookresearch/moco.
inline constexpr published_settings moco_v2_imagenet{.method = "moco_v2",
                                                     .encoder = "resnet50",
                                                     .batch = 256,
                                                     .epochs = 200,
                                                     .optimizer = decaying_sgd(1e-4),
                                                     .rate = rate_rule{.03, 256},
                                                     .warmup_epochs = 0,
                                                     .end_rate = 0,
                                                     .rate_per_epoch = true,
                                                     .target_momentum = .999,
                                                     .temperature = .2,
                                                     .queue_capacity = 65536,
                                                     .projector = {2048, 128},
                                                     .views = moco_views()};

/// MoCo v3 with a ResNet-50, facebookresearch/moco-v3: rate, decay and momentum depend on the length.
constexpr published_settings moco_v3_imagenet(std::size_t epochs, double rate, double decay,
                                              double momentum) {
  return {.method = "moco_v3",
          .encoder = "resnet50",
          .batch = 4096,
          .epochs = epochs,
          .optimizer = byol_lars(decay),
          .rate = rate_rule{rate, 256},
          .warmup_epochs = 10,
          .end_rate = 0,
          .target_momentum = momentum,
          .target_momentum_end = 1,
          .momentum = momentum_course::cosine,
          .temperature = 1,
          .projector = {4096, 256},
          .predictor = {4096, 256},
          .views = byol_views_from(.2f)};
}

/// The same for a ViT, whose patch embedding never learns.
inline constexpr published_settings moco_v3_vit_imagenet{.method = "moco_v3",
                                                         .encoder = "vit_s16",
                                                         .batch = 4096,
                                                         .epochs = 300,
                                                         .optimizer = torch_adamw(.1, true),
                                                         .rate = rate_rule{1.5e-4, 256},
                                                         .warmup_epochs = 40,
                                                         .end_rate = 0,
                                                         .target_momentum = .99,
                                                         .target_momentum_end = 1,
                                                         .momentum = momentum_course::cosine,
                                                         .temperature = .2,
                                                         .projector = {4096, 4096, 256},
                                                         .predictor = {4096, 256},
                                                         .views = byol_views_from(.08f)};

/// SimSiam, facebookresearch/simsiam; FastSiam has the batch of its paper, from memory, and no length.
inline constexpr published_settings simsiam_imagenet{.method = "simsiam",
                                                     .encoder = "resnet50",
                                                     .batch = 512,
                                                     .epochs = 100,
                                                     .optimizer = decaying_sgd(1e-4),
                                                     .rate = rate_rule{.05, 256},
                                                     .warmup_epochs = 0,
                                                     .end_rate = 0,
                                                     .rate_per_epoch = true,
                                                     .constant_group_rate = true,
                                                     .projector = {2048, 2048, 2048},
                                                     .predictor = {512, 2048},
                                                     .views = moco_views()};
constexpr published_settings fast_siam_imagenet() {
  published_settings settings = simsiam_imagenet;
  settings.method = "fast_siam";
  settings.batch = 32;
  settings.epochs = {};
  settings.views = moco_views(4);
  return settings;
}

/// Barlow Twins, facebookresearch/barlowtwins: biases and norms have the rate 0.0048 for 256 images.
inline constexpr published_settings barlow_twins_imagenet{.method = "barlow_twins",
                                                          .encoder = "resnet50",
                                                          .batch = 2048,
                                                          .epochs = 1000,
                                                          .optimizer = byol_lars(1e-6, .0048 / .2),
                                                          .rate = rate_rule{.2, 256},
                                                          .warmup_epochs = 10,
                                                          .end_fraction = .001,
                                                          .projector = {8192, 8192, 8192},
                                                          .loss = {{{"lambda", .0051}}},
                                                          .views = byol_views_from(.08f)};

/// VICReg, facebookresearch/vicreg.
constexpr published_settings vicreg_imagenet() {
  published_settings settings = barlow_twins_imagenet;
  settings.method = "vicreg";
  settings.optimizer = published_optimizer{byol_lars(1e-6)};
  settings.loss = {{{"invariance", 25}, {"variance", 25}, {"covariance", 1}}};
  return settings;
}

/// TiCo, lightly: its 100 epochs.
inline constexpr published_settings tico_imagenet{.method = "tico",
                                                  .source = recipe_source::lightly,
                                                  .encoder = "resnet50",
                                                  .batch = 256,
                                                  .epochs = 100,
                                                  .optimizer = lightly_lars(1.5e-6),
                                                  .rate = rate_rule{.2, 256},
                                                  .warmup_epochs = 10,
                                                  .ramp = warm_up::after_start,
                                                  .end_rate = 0,
                                                  .target_momentum = .99,
                                                  .target_momentum_end = 1,
                                                  .momentum = momentum_course::cosine,
                                                  .projector = {4096, 256},
                                                  .loss = {{{"beta", .9}, {"rho", 8}}},
                                                  .views = byol_views_from(.08f)};

/// DCL, lightly: 0.075·√batch.
inline constexpr published_settings dcl_imagenet{.method = "dcl",
                                                 .source = recipe_source::lightly,
                                                 .encoder = "resnet50",
                                                 .batch = 256,
                                                 .epochs = 100,
                                                 .optimizer = lightly_lars(1e-6),
                                                 .rate = rate_rule{.075 * 16, 256, rate_scaling::square_root},
                                                 .warmup_epochs = 10,
                                                 .ramp = warm_up::after_start,
                                                 .end_rate = 0,
                                                 .temperature = .1,
                                                 .projector = {2048, 128},
                                                 .views = strong_views(crops(2, 224, .08f, 1))};
constexpr published_settings dclw_imagenet() {
  published_settings settings = dcl_imagenet;
  settings.method = "dclw";
  settings.loss = {{{"sigma", .5}}};
  return settings;
}

/// NNCLR: numbers of the paper from memory; which LARS it has is not known.
inline constexpr published_settings nnclr_imagenet{.method = "nnclr",
                                                   .encoder = "resnet50",
                                                   .batch = 4096,
                                                   .epochs = 1000,
                                                   .optimizer = lars{.weight_decay = 1e-6},
                                                   .rate = rate_rule{.3, 256},
                                                   .temperature = .1,
                                                   .queue_capacity = 98304,
                                                   .projector = {2048, 2048, 256},
                                                   .predictor = {4096, 256}};

/// ReSSL, mingkai-zheng/ReSSL: the target sees crops and flips.
constexpr published_settings ressl_imagenet() {
  published_settings settings{.method = "ressl",
                              .encoder = "resnet50",
                              .batch = 256,
                              .epochs = 200,
                              .optimizer = sgd{.weight_decay = 1e-4},
                              .rate = fixed_rate(.05),
                              .warmup_epochs = 5,
                              .end_rate = 0,
                              .target_momentum = .999,
                              .temperature = .1,
                              .target_temperature = .04,
                              .queue_capacity = 131072,
                              .projector = {4096, 512},
                              .views = moco_views()};
  settings.views.weak_second_view = true;
  return settings;
}

/// FroSSL, OFSkean/FroSSL: 256 images on each of two devices.
inline constexpr published_settings frossl_imagenet{.method = "frossl",
                                                    .encoder = "resnet18",
                                                    .batch = 512,
                                                    .epochs = 100,
                                                    .optimizer = solo_lars(1e-4),
                                                    .rate = rate_rule{.3, 256},
                                                    .projector = {2048, 2048, 1024}};

}  // namespace detail

/// ImageNet: methods that compare embeddings. The first row of a method is its shortest training.
template <class = void>
inline constexpr auto published_embeddings_on_imagenet =
    std::array{detail::moco_v2_imagenet,
               detail::for_epochs(detail::moco_v2_imagenet, 800),
               detail::moco_v3_imagenet(100, .6, 1e-6, .99),
               detail::moco_v3_imagenet(300, .3, 1e-6, .99),
               detail::moco_v3_imagenet(1000, .3, 1.5e-6, .996),
               detail::moco_v3_vit_imagenet,
               detail::simsiam_imagenet,
               detail::fast_siam_imagenet(),
               detail::barlow_twins_imagenet,
               detail::vicreg_imagenet(),
               detail::tico_imagenet,
               detail::dcl_imagenet,
               detail::dclw_imagenet(),
               detail::nnclr_imagenet,
               detail::ressl_imagenet(),
               detail::frossl_imagenet};

}  // namespace pretext::inline v0_1
