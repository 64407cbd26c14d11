// SPDX-License-Identifier: MIT
#pragma once
// CIFAR-10: the configurations of solo-learn, ResNet-18 with the CIFAR stem.
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/recipes/detail/published_parts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// What the rows of solo-learn have in common.
template <class Optimizer>
constexpr published_settings solo_cifar10(std::string_view method, const Optimizer& optimizer, double rate) {
  return {.method = method,
          .images = dataset::cifar10,
          .source = recipe_source::solo_learn,
          .encoder = "resnet18",
          .batch = 256,
          .epochs = 1000,
          .optimizer = optimizer,
          .rate = rate_rule{rate, 256},
          .warmup_epochs = 10,
          .ramp = warm_up::linspace,
          .start_rate = 3e-5,
          .end_rate = 0};
}
constexpr published_settings solo_barlow_twins() {
  published_settings settings = solo_cifar10("barlow_twins", solo_lars(1e-4), .3);
  settings.projector = {2048, 2048, 2048};
  settings.loss = {{{"weight", .1}, {"lambda", .005}}};
  settings.views.blur = {{0, 0, 0}};
  settings.views.solarize = {{0, .2f, 0}};
  return settings;
}
/// VICReg: solo-learn adds the hinges of both views, of which the library takes the mean.
constexpr published_settings solo_vicreg() {
  published_settings settings = solo_cifar10("vicreg", solo_lars(1e-4), .3);
  settings.projector = {2048, 2048, 2048};
  settings.loss = {{{"invariance", 25}, {"variance", 50}, {"covariance", 1}}};
  settings.views = {.global = crops(2, 32, .2f, 1),
                    .jitter = {{.4f, .4f, .2f, .1f}},
                    .blur = {{0, 0, 0}},
                    .solarize = {{.1f, .1f, 0}}};
  return settings;
}
/// MoCo v2 with a queue for each direction.
constexpr published_settings solo_moco_v2() {
  published_settings settings = solo_cifar10("moco_v2", decaying_sgd(1e-4), .3);
  settings.target_momentum = .99;
  settings.target_momentum_end = .999;
  settings.momentum = momentum_course::cosine;
  settings.temperature = .2;
  settings.queue_capacity = 32768;
  settings.projector = {2048, 256};
  return settings;
}
constexpr published_settings solo_with_target(published_settings settings, double momentum) {
  settings.target_momentum = momentum;
  settings.target_momentum_end = 1;
  settings.momentum = momentum_course::cosine;
  return settings;
}
constexpr published_settings solo_moco_v3() {
  published_settings settings = solo_with_target(solo_cifar10("moco_v3", solo_lars(1e-6), .3), .99);
  settings.temperature = .2;
  settings.projector = {4096, 256};
  settings.predictor = {4096, 256};
  return settings;
}
constexpr published_settings solo_simsiam() {
  published_settings settings = solo_cifar10("simsiam", decaying_sgd(1e-5), .5);
  settings.projector = {2048, 2048, 2048};
  settings.predictor = {512, 2048};
  settings.views = weak_jitter({.count = 2, .side = 32});
  settings.views.blur = {{.5f, .5f, 0}};
  return settings;
}
constexpr published_settings solo_nnclr() {
  published_settings settings = solo_cifar10("nnclr", solo_lars(1e-5), .4);
  settings.temperature = .2;
  settings.queue_capacity = 65536;
  settings.projector = {2048, 2048, 256};
  settings.predictor = {4096, 256};
  return settings;
}
constexpr published_settings solo_swav() {
  published_settings settings = solo_cifar10("swav", solo_lars(1e-6), .6);
  settings.queue_capacity = 3840;
  settings.queue_from_epoch = 50;
  settings.prototypes = 3000;
  settings.frozen_epochs = 2;
  settings.projector = {2048, 128};
  settings.views = {
      .global = crops(2, 32, .2f, 1), .local = crops(6, 18, .08f, .5f), .solarize = {{0, .2f, 0}}};
  return settings;
}
constexpr published_settings solo_dino() {
  published_settings settings = solo_with_target(solo_cifar10("dino", solo_lars(1e-6), .3), .9995);
  settings.prototypes = 4096;
  settings.projector = {2048, 256};
  return settings;
}
constexpr published_settings solo_wmse() {
  published_settings settings = solo_cifar10("wmse", published_adam{.weight_decay = 1e-6}, 2e-3);
  settings.projector = {1024, 64};
  settings.loss = {{{"sub_batch", 128}}};
  return settings;
}
constexpr published_settings solo_ressl() {
  published_settings settings = solo_with_target(solo_cifar10("ressl", decaying_sgd(1e-4), .05), .99);
  settings.temperature = .1;
  settings.target_temperature = .04;
  settings.projector = {4096, 256};
  settings.views.weak_second_view = true;
  return settings;
}
constexpr published_settings solo_supcon() {
  published_settings settings = solo_cifar10("supcon", decaying_sgd(1e-5), .4);
  settings.temperature = .2;
  settings.projector = {2048, 256};
  return settings;
}

}  // namespace detail

/// CIFAR-10, by solo-learn.
template <class = void>
inline constexpr auto published_by_solo_learn = std::array{
    detail::solo_barlow_twins(), detail::solo_vicreg(), detail::solo_moco_v2(), detail::solo_moco_v3(),
    detail::solo_simsiam(),      detail::solo_nnclr(),  detail::solo_swav(),    detail::solo_dino(),
    detail::solo_wmse(),         detail::solo_ressl(),  detail::solo_supcon()};

}  // namespace pretext::inline v0_1
