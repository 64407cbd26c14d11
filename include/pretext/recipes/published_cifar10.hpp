// SPDX-License-Identifier: MIT
#pragma once
// CIFAR-10: lightly's benchmarks and two methods' own codes. Encoders have the CIFAR stem. lightly ran the
// same settings with 128 and 512 images a step, for 200 and 800 epochs.
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/recipes/detail/published_parts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// What the rows of lightly have in common: SGD that decays everything, no warm-up, no blur.
constexpr published_settings lightly_cifar10(std::string_view method) {
  return {.method = method,
          .images = dataset::cifar10,
          .source = recipe_source::lightly,
          .encoder = "resnet18",
          .batch = 128,
          .epochs = 200,
          .optimizer = decaying_sgd(5e-4),
          .rate = rate_rule{.06, 128},
          .warmup_epochs = 0,
          .end_rate = 0,
          .rate_per_epoch = true,
          .views = weak_jitter({.count = 2, .side = 32})};
}
/// MoCo in both directions with one queue, which is twice as long for 512 images a step.
constexpr published_settings lightly_moco_v2(std::size_t batch, std::size_t capacity) {
  published_settings settings = lightly_cifar10("moco_v2");
  settings.batch = batch;
  settings.target_momentum = .99;
  settings.temperature = .1;
  settings.queue_capacity = capacity;
  settings.projector = {512, 128};
  return settings;
}
/// SimSiam and FastSiam: the rate is not scaled, and the predictor's follows the schedule.
constexpr published_settings lightly_simsiam(std::string_view method, std::size_t views) {
  published_settings settings = lightly_cifar10(method);
  settings.rate = fixed_rate(.06, 128);
  settings.projector = {2048, 2048};
  settings.predictor = {512, 2048};
  settings.views = weak_jitter(crops(views, 32, .2f, 1));
  return settings;
}
constexpr published_settings lightly_barlow_twins() {
  published_settings settings = lightly_cifar10("barlow_twins");
  settings.projector = {2048, 2048};
  settings.loss = {{{"lambda", .005}}};
  return settings;
}
constexpr published_settings lightly_frossl() {
  published_settings settings = lightly_cifar10("frossl");
  settings.projector = {2048, 2048};
  settings.loss = {{{"invariance", 1}}};
  return settings;
}
/// NNCLR with lightly's loss, NT-Xent of neighbours and predictions.
constexpr published_settings lightly_nnclr() {
  published_settings settings = lightly_cifar10("nnclr");
  settings.temperature = .5;
  settings.queue_capacity = 4096;
  settings.projector = {2048, 256};
  settings.predictor = {4096, 256};
  return settings;
}
constexpr published_settings lightly_swav() {
  published_settings settings = lightly_cifar10("swav");
  settings.optimizer = published_optimizer{published_adam{.weight_decay = 1e-6}};
  settings.rate = rate_rule{1e-3, 128};
  settings.prototypes = 512;
  settings.projector = {512, 128};
  settings.views.global = crops(2, 32, .14f, 1);
  return settings;
}
constexpr published_settings lightly_dino() {
  published_settings settings = lightly_cifar10("dino");
  settings.target_momentum = .99;
  settings.target_temperature = .04;
  settings.prototypes = 2048;
  settings.projector = {2048, 256};
  settings.views.global = crops(2, 32, .4f, 1);
  return settings;
}
constexpr published_settings lightly_dcl(std::string_view method) {
  published_settings settings = lightly_cifar10(method);
  settings.temperature = .1;
  settings.projector = {512, 128};
  if (method == "dclw") settings.loss = {{{"sigma", .5}}};
  return settings;
}

/// SupCon, HobbitLong/SupContrast. Its warm-up has a form of its own and is left out.
inline constexpr published_settings supcon_cifar10{
    .method = "supcon",
    .images = dataset::cifar10,
    .encoder = "resnet50",
    .batch = 1024,
    .epochs = 1000,
    .optimizer = decaying_sgd(1e-4),
    .rate = fixed_rate(.5, 1024),
    .rate_per_epoch = true,
    .temperature = .1,
    .projector = {2048, 128},
    .views = {.global = crops(2, 32, .2f, 1), .jitter = {{.4f, .4f, .4f, .1f}}, .gray = .2f}};

/// W-MSE, htdt/self-supervised: two views.
inline constexpr published_settings wmse_cifar10{.method = "wmse",
                                                 .images = dataset::cifar10,
                                                 .encoder = "resnet18",
                                                 .epochs = 1000,
                                                 .optimizer = published_adam{.weight_decay = 1e-6},
                                                 .rate = fixed_rate(3e-3),
                                                 .projector = {1024, 64},
                                                 .loss = {{{"sub_batch", 128}}},
                                                 .views = {.global = {.count = 2, .side = 32}}};

}  // namespace detail

/// CIFAR-10: lightly's settings and those of the authors of SupCon and W-MSE.
template <class = void>
inline constexpr auto published_on_cifar10 = std::array{detail::lightly_moco_v2(128, 4096),
                                                        detail::lightly_moco_v2(512, 8192),
                                                        detail::lightly_simsiam("simsiam", 2),
                                                        detail::lightly_simsiam("fast_siam", 4),
                                                        detail::lightly_barlow_twins(),
                                                        detail::lightly_frossl(),
                                                        detail::lightly_nnclr(),
                                                        detail::lightly_swav(),
                                                        detail::lightly_dino(),
                                                        detail::lightly_dcl("dcl"),
                                                        detail::lightly_dcl("dclw"),
                                                        detail::supcon_cifar10,
                                                        detail::wmse_cifar10};

}  // namespace pretext::inline v0_1
