// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include <pretext/recipes/published_cifar10.hpp>
#include <pretext/recipes/published_distillation.hpp>
#include <pretext/recipes/published_imagenet.hpp>
#include <pretext/recipes/published_imagenette.hpp>
#include <pretext/recipes/published_settings.hpp>
#include <pretext/recipes/published_solo_learn.hpp>

namespace pretext::inline v0_1 {

/// Which of several published settings of a method on a data set is meant; what is not given is not compared.
struct published_choice {
  std::optional<recipe_source> source{};
  std::string_view encoder{};
  std::optional<std::size_t> batch{}, epochs{};

  constexpr bool matches(const published_settings& settings) const {
    return (!source || settings.source == *source) && (encoder.empty() || settings.encoder == encoder) &&
           (!batch || settings.batch == batch) && (!epochs || settings.epochs == epochs);
  }
};

/// Calls `visit(settings)` for all published settings.
template <class Visitor>
constexpr void for_each_published(Visitor&& visit) {
  for (const published_settings& settings : published_embeddings_on_imagenet<>) visit(settings);
  for (const published_settings& settings : published_distillation_on_imagenet<>) visit(settings);
  for (const published_settings& settings : published_on_cifar10<>) visit(settings);
  for (const published_settings& settings : published_by_solo_learn<>) visit(settings);
  for (const published_settings& settings : published_on_imagenette<>) visit(settings);
}

/// The first published settings of a method on a data set that match; nothing if there are none.
/// `published("dino", dataset::imagenet, {.encoder = "resnet50"})`. SimCLR, BYOL and MAE have types of their
/// own: `simclr_preset`, `byol_preset`, `mae_preset`.
constexpr std::optional<published_settings> published(std::string_view method, dataset images,
                                                      const published_choice& choice = {}) {
  std::optional<published_settings> found;
  for_each_published([&](const published_settings& settings) {
    if (!found && settings.method == method && settings.images == images && choice.matches(settings))
      found = settings;
  });
  return found;
}

}  // namespace pretext::inline v0_1
