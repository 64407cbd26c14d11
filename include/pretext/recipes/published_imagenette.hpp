// SPDX-License-Identifier: MIT
#pragma once
// Imagenette-160 at 128 pixels: lightly's benchmarks of ResNet-18 with the stem for photographs.
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/recipes/detail/published_parts.hpp>

namespace pretext::inline v0_1 {

namespace detail {

constexpr published_settings lightly_imagenette(std::string_view method) {
  return {.method = method,
          .images = dataset::imagenette,
          .source = recipe_source::lightly,
          .encoder = "resnet18",
          .batch = 256,
          .epochs = 200,
          .optimizer = decaying_sgd(5e-4),
          .rate = rate_rule{.06, 256},
          .warmup_epochs = 0,
          .end_rate = 0,
          .rate_per_epoch = true,
          .views = {.global = {.count = 2, .side = 128}}};
}
constexpr published_settings moco_v2_imagenette() {
  published_settings settings = lightly_imagenette("moco_v2");
  settings.target_momentum = .99;
  settings.temperature = .1;
  settings.queue_capacity = 4096;
  settings.projector = {2048, 128};
  return settings;
}
constexpr published_settings simsiam_imagenette() {
  published_settings settings = lightly_imagenette("simsiam");
  settings.rate = fixed_rate(.06);
  settings.projector = {2048, 2048, 2048};
  return settings;
}
constexpr published_settings barlow_twins_imagenette() {
  published_settings settings = lightly_imagenette("barlow_twins");
  settings.projector = {2048, 2048, 2048};
  return settings;
}
constexpr published_settings nnclr_imagenette() {
  published_settings settings = lightly_imagenette("nnclr");
  settings.projector = {2048, 2048, 256};
  settings.predictor = {4096, 256};
  return settings;
}
constexpr published_settings swav_imagenette() {
  published_settings settings = lightly_imagenette("swav");
  settings.optimizer = published_optimizer{published_adam{.weight_decay = 1e-6}};
  settings.rate = rate_rule{1e-3, 256};
  settings.prototypes = 3000;
  settings.projector = {2048, 128};
  settings.views.local = {.count = 6, .side = 64};
  return settings;
}
constexpr published_settings swav_queue_imagenette() {
  published_settings settings = swav_imagenette();
  settings.queue_capacity = 384;
  settings.queue_from_epoch = 15;
  return settings;
}
constexpr published_settings dino_imagenette() {
  published_settings settings = lightly_imagenette("dino");
  settings.target_momentum = .99;
  settings.prototypes = 2048;
  settings.projector = {2048, 256};
  settings.views.local = {.count = 6, .side = 64};
  return settings;
}
/// VICReg, which diverges without LARS there.
constexpr published_settings vicreg_imagenette(std::size_t epochs, double warmup_epochs) {
  published_settings settings = lightly_imagenette("vicreg");
  settings.epochs = epochs;
  settings.optimizer = published_optimizer{lightly_lars(1e-4)};
  settings.rate = rate_rule{.3, 256};
  settings.warmup_epochs = warmup_epochs;
  settings.ramp = warm_up::after_start;
  settings.views.blur = {{.5f, .5f, 0}};
  settings.views.solarize = {{.1f, .1f, 0}};
  return settings;
}
constexpr published_settings tico_imagenette() {
  published_settings settings = lightly_imagenette("tico");
  settings.optimizer = published_optimizer{decaying_sgd(1e-4)};
  settings.rate = rate_rule{.3, 256};
  settings.target_momentum = .996;
  settings.target_momentum_end = 1;
  settings.momentum = momentum_course::cosine;
  settings.projector = {1024, 256};
  return settings;
}
/// MSN, whose prototypes do not learn in lightly's code. Its decay and its warm-up are not given.
constexpr published_settings msn_imagenette() {
  published_settings settings = lightly_imagenette("msn");
  settings.encoder = "vit_s";
  settings.optimizer = {};
  settings.warmup_epochs = {};
  settings.rate = rate_rule{1.5e-4, 256};
  settings.dropped_patches = .15;
  settings.views = {};
  return settings;
}

}  // namespace detail

/// Imagenette, by lightly.
template <class = void>
inline constexpr auto published_on_imagenette = std::array{detail::moco_v2_imagenette(),
                                                           detail::simsiam_imagenette(),
                                                           detail::barlow_twins_imagenette(),
                                                           detail::nnclr_imagenette(),
                                                           detail::swav_imagenette(),
                                                           detail::swav_queue_imagenette(),
                                                           detail::dino_imagenette(),
                                                           detail::vicreg_imagenette(200, 20),
                                                           detail::vicreg_imagenette(800, 40),
                                                           detail::tico_imagenette(),
                                                           detail::msn_imagenette()};

}  // namespace pretext::inline v0_1
