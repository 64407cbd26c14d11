// SPDX-License-Identifier: MIT
#pragma once
// Clustering, self-distillation and prediction of features on ImageNet, from papers and official codes.
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/recipes/detail/published_parts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// SwAV, facebookresearch/swav, on 64 devices.
constexpr published_settings swav_imagenet(std::size_t epochs) {
  return {.method = "swav",
          .encoder = "resnet50",
          .batch = 4096,
          .epochs = epochs,
          .optimizer = lars{.weight_decay = 1e-6, .variant = lars_variant::larc},
          .rate = fixed_rate(4.8, 4096),
          .warmup_epochs = 10,
          .ramp = warm_up::linspace,
          .start_rate = .3,
          .end_rate = .0048,
          .temperature = .1,
          .prototypes = 3000,
          .frozen_steps = 313,
          .projector = {2048, 128},
          .loss = {{{"epsilon", .05}}},
          .views = strong_views(crops(2, 224, .14f, 1), crops(6, 96, .05f, .14f))};
}
/// The same with small batches, whose codes need a queue.
constexpr published_settings swav_imagenet_small_batch() {
  published_settings settings = swav_imagenet(0);
  settings.batch = 256;
  settings.epochs = {};
  settings.rate = fixed_rate(.6, 256);
  settings.warmup_epochs = 0;
  settings.start_rate = {};
  settings.end_rate = .0006;
  settings.queue_capacity = 3840;
  settings.queue_from_epoch = 15;
  settings.frozen_steps = 5005;
  return settings;
}

/// DINO with a ViT-S/16, facebookresearch/dino.
inline constexpr published_settings dino_imagenet{
    .method = "dino",
    .encoder = "vit_s16",
    .batch = 1024,
    .epochs = 100,
    .optimizer = torch_adamw(.04),
    .rate = rate_rule{5e-4, 256},
    .warmup_epochs = 10,
    .ramp = warm_up::linspace,
    .end_rate = 1e-6,
    .weight_decay_end = .4,
    .clip_norm = 3,
    .drop_path = .1,
    .target_momentum = .996,
    .target_momentum_end = 1,
    .momentum = momentum_course::cosine,
    .temperature = .1,
    .target_temperature = .04,
    .prototypes = 65536,
    .frozen_epochs = 1,
    .projector = {2048, 2048, 256},
    .loss = {{{"centre_momentum", .9}}},
    .views = dino_views(crops(2, 224, .4f, 1), crops(8, 96, .05f, .4f))};
/// Its longer training, whose head has no normalised last layer.
constexpr published_settings dino_imagenet_longer() {
  published_settings settings = for_epochs(dino_imagenet, 300);
  settings.target_temperature_end = .07;
  settings.target_temperature_epochs = 30;
  return settings;
}
/// Its command for a ResNet-50: on eight devices of 64 images each.
constexpr published_settings dino_resnet_imagenet() {
  published_settings settings = dino_imagenet;
  settings.encoder = "resnet50";
  settings.batch = 512;
  settings.optimizer = published_optimizer{sgd{.weight_decay = 1e-4}};
  settings.rate = rate_rule{.03, 256};
  settings.weight_decay_end = {};
  settings.drop_path = {};
  settings.views = dino_views(crops(2, 224, .14f, 1), crops(8, 96, .05f, .14f));
  return settings;
}

/// iBOT with a ViT-S/16, bytedance/ibot. Its patch temperature is that of the class token.
constexpr published_settings ibot_imagenet() {
  published_settings settings = for_epochs(dino_imagenet, 800);
  settings.method = "ibot";
  settings.prototypes = 8192;
  settings.target_temperature_end = .07;
  settings.target_temperature_epochs = 30;
  settings.views = dino_views(crops(2, 224, .25f, 1), crops(10, 96, .05f, .25f));
  return settings;
}

/// DINOv2 with a ViT-L/16, facebookresearch/dinov2, the short configuration.
constexpr published_settings dinov2_imagenet() {
  published_settings settings = dino_imagenet;
  settings.method = "dinov2";
  settings.encoder = "vit_l16";
  settings.batch = 2048;
  settings.steps_per_epoch = 1250;
  settings.rate = rate_rule{.004, 1024, rate_scaling::square_root};
  settings.clip = clip_by::module;
  settings.layer_decay = .9;
  settings.patch_embedding_rate = .2;
  settings.drop_path = .3;
  settings.target_momentum = .992;
  settings.target_temperature_end = .07;
  settings.target_temperature_epochs = 30;
  settings.target_temperature_per_step = true;
  settings.frozen_by_rate = true;
  settings.loss = {{{"koleo", .1}, {"iterations", 3}}};
  settings.views = dino_views(crops(2, 224, .32f, 1), crops(8, 96, .05f, .32f));
  return settings;
}

/// MSN with a ViT-S/16, facebookresearch/msn: the rate is not scaled. The norm is that of the encoder.
inline constexpr published_settings msn_imagenet{
    .method = "msn",
    .encoder = "vit_s16",
    .epochs = 800,
    .optimizer = torch_adamw(.04),
    .rate = fixed_rate(1e-3),
    .warmup_epochs = 15,
    .start_rate = 2e-4,
    .end_rate = 1e-6,
    .weight_decay_end = .4,
    .clip_norm = 3,
    .clip = clip_by::whole,
    .drop_path = 0,
    .dropped_patches = .15,
    .target_momentum = .996,
    .target_momentum_end = 1,
    .momentum = momentum_course::linear,
    .temperature = .1,
    .prototypes = 1024,
    .projector = {2048, 2048, 256},
    .loss = {{{"sharpening", .25}, {"entropy_weight", 1}}},
    .views = {.global = {.count = 1, .side = 224}, .local = {.count = 10, .side = 96}}};

/// I-JEPA with a ViT-H/14, facebookresearch/ijepa: the rate is not scaled.
inline constexpr published_settings ijepa_imagenet{.method = "ijepa",
                                                   .encoder = "vit_h14",
                                                   .batch = 2048,
                                                   .epochs = 300,
                                                   .optimizer = torch_adamw(.04),
                                                   .rate = fixed_rate(1e-3, 2048),
                                                   .warmup_epochs = 40,
                                                   .start_rate = 2e-4,
                                                   .end_rate = 1e-6,
                                                   .first_step_is_one = true,
                                                   .weight_decay_end = .4,
                                                   .target_momentum = .996,
                                                   .target_momentum_end = 1,
                                                   .momentum = momentum_course::linear,
                                                   .views = {.global = crops(1, 224, .3f, 1)}};

/// LeJEPA: the length of its warm-up and of the training are not given.
constexpr published_settings lejepa_imagenet(std::string_view encoder, double weight_decay) {
  return {.method = "lejepa",
          .encoder = encoder,
          .batch = 512,
          .optimizer = torch_adamw(weight_decay, true),
          .rate = fixed_rate(5e-4, 512),
          .end_fraction = .001,
          .loss = {{{"lambda", .05}, {"slices", 1024}}},
          .views = {.global = crops(2, 224, .3f, 1), .local = crops(6, 98, .05f, .3f)}};
}

}  // namespace detail

/// ImageNet: clustering, self-distillation and prediction of features. The first row of a method is its
/// shortest training.
template <class = void>
inline constexpr auto published_distillation_on_imagenet =
    std::array{detail::swav_imagenet(100),
               detail::swav_imagenet(200),
               detail::swav_imagenet(800),
               detail::swav_imagenet_small_batch(),
               detail::dino_imagenet,
               detail::dino_imagenet_longer(),
               detail::dino_resnet_imagenet(),
               detail::ibot_imagenet(),
               detail::dinov2_imagenet(),
               detail::msn_imagenet,
               detail::ijepa_imagenet,
               detail::lejepa_imagenet("vit", .05),
               detail::lejepa_imagenet("resnet", 5e-4)};

}  // namespace pretext::inline v0_1
