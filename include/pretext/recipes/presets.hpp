// SPDX-License-Identifier: MIT
#pragma once
// Presets for three kinds of images. Those of the papers take their values from the published recipes; the
// others were found by measuring, see docs/choosing.md.
#include <cstdint>
#include <optional>
#include <string_view>

#include <pretext/recipes/byol.hpp>
#include <pretext/recipes/mae.hpp>
#include <pretext/recipes/pretraining_preset.hpp>
#include <pretext/recipes/simclr.hpp>

namespace pretext::inline v0_1 {

/// The kinds of images that there are presets for.
enum class image_kind : std::uint8_t {
  photographs,   ///< as in the papers: ImageNet, large batches, many epochs
  small_images,  ///< 32 to 64 pixels, minutes to hours on a few cores
  inspection,    ///< without an upright position, of one channel: parts, surfaces, tissue
};

namespace detail {
inline constexpr optimizer_preset small_sgd{{.rate = 0.2, .batch = 64, .scaling = rate_scaling::linear},
                                            1e-4},
    small_lars{{.rate = 2, .batch = 100, .scaling = rate_scaling::square_root}, 1e-6},
    small_adamw{{.rate = 1e-3, .batch = 64, .scaling = rate_scaling::square_root}, 0.05};

/// Small batches, for many steps with few images; crops that rarely miss a defect, and changes that do not
/// hide it; every orientation.
constexpr void suit_inspection(pretraining_preset& preset) {
  preset.batch = 64;
  preset.views = {.minimum_area = 0.5f, .jitter = 0.25f, .color = 0, .blur = 0, .any_orientation = true};
}
}  // namespace detail

/// SimCLR.
constexpr pretraining_preset simclr_for(image_kind kind) {
  pretraining_preset preset{
      .with_sgd = detail::small_sgd, .with_lars = detail::small_lars, .with_adamw = detail::small_adamw};
  switch (kind) {
    case image_kind::photographs: {
      constexpr auto published = simclr_1000_epochs();
      preset.optimizer = preset_optimizer::lars;
      // 0.075·√batch is the paper's rule for batches below 4096, where it meets the linear one (App. B.1).
      preset.with_lars = {{.rate = linear_scaling(published.base_rate, published.batch),
                           .batch = published.batch,
                           .scaling = rate_scaling::square_root},
                          published.weight_decay};
      preset.warmup = 0.1;
      preset.temperature = published.temperature;
      preset.views = {.minimum_area = 0.08f, .jitter = 1};
      break;
    }
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
  }
  return preset;
}

/// BYOL.
constexpr pretraining_preset byol_for(image_kind kind) {
  pretraining_preset preset{.with_sgd = {{.rate = 0.1, .batch = 32, .scaling = rate_scaling::linear}, 1e-3},
                            .with_lars = detail::small_lars,
                            .with_adamw = detail::small_adamw,
                            .warmup = 0.0625,
                            .views = {.minimum_area = 0.08f}};
  switch (kind) {
    case image_kind::photographs: {
      constexpr auto published = byol_100_epochs();
      preset.optimizer = preset_optimizer::lars;
      preset.with_lars = {{.rate = published.base_rate, .batch = 256}, published.weight_decay};
      preset.warmup = 0.1;
      break;
    }
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
  }
  return preset;
}

/// MAE.
constexpr pretraining_preset mae_for(image_kind kind) {
  constexpr mae_preset published = mae_800_epochs();
  pretraining_preset preset{
      .optimizer = preset_optimizer::adamw,
      .with_sgd = detail::small_sgd,
      .with_lars = detail::small_lars,
      .with_adamw = {{.rate = 2e-3, .batch = 64, .scaling = rate_scaling::square_root, .largest = 4e-3},
                     published.weight_decay},
      .warmup = 1. / 15};
  switch (kind) {
    case image_kind::photographs:
      preset.with_adamw = {{.rate = published.base_rate, .batch = 256}, published.weight_decay};
      preset.warmup = 0.1;
      preset.max_warmup_epochs = static_cast<double>(published.warmup_epochs);
      break;
    case image_kind::small_images:
      break;
    case image_kind::inspection:
      detail::suit_inspection(preset);
      preset.views.minimum_area = 0.2f;  // masking is what makes it hard, not the crop
  }
  return preset;
}

/// The preset of a method that is named at run time; nothing if there is none.
constexpr std::optional<pretraining_preset> preset_for(std::string_view method, image_kind kind) {
  if (method == "simclr") return simclr_for(kind);
  if (method == "byol") return byol_for(kind);
  if (method == "mae") return mae_for(kind);
  return {};
}

}  // namespace pretext::inline v0_1
