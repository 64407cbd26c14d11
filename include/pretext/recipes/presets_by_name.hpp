// SPDX-License-Identifier: MIT
#pragma once
// The presets of all methods. <pretext/pretext.hpp> does not include this header, because the tables of
// published settings take long to compile.
#include <array>
#include <optional>
#include <string_view>

#include <pretext/recipes/detail/adapted_preset.hpp>
#include <pretext/recipes/presets.hpp>

namespace pretext::inline v0_1 {

/// The methods that have presets.
inline constexpr std::array<std::string_view, 27> preset_methods{
    "simclr",  "byol",    "mae",       "simmim",       "hypersphere", "distillation", "moco_v2",
    "moco_v3", "simsiam", "fast_siam", "barlow_twins", "vicreg",      "wmse",         "tico",
    "dcl",     "dclw",    "nnclr",     "ressl",        "supcon",      "swav",         "dino",
    "ibot",    "dinov2",  "msn",       "ijepa",        "lejepa",      "frossl"};

/// The preset of a method that is named at run time; nothing if there is none.
constexpr std::optional<pretraining_preset> preset_for(std::string_view method, image_kind kind) {
  if (method == "simclr") return simclr_for(kind);
  if (method == "byol") return byol_for(kind);
  if (method == "mae") return mae_for(kind);
  if (method == "simmim") return simmim_for(kind);
  if (method == "hypersphere") return hypersphere_for(kind);
  if (method == "distillation") return distillation_for(kind);
  for (const std::string_view known : preset_methods)
    if (known == method) return detail::preset_of_published(method, kind);
  return {};
}

}  // namespace pretext::inline v0_1
