#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/recipes/view_preset.hpp>

#include "recipe.hpp"

// What the option --preset does: it gives a value to every option of a recipe that the command line leaves
// out. The values are those of recipes/presets.hpp, for the recipe's method.
namespace programs {

/// The field of the option --preset.
field preset_field(recipe& config);

/// Does the library have presets for the recipe's method?
bool has_presets(const recipe& config);
/// Resolves "auto": inspection for gray images, small for others. Gives the recipe's members the values of
/// the preset, but for those whose options are in `given`.
void apply_preset(recipe& config, const std::vector<std::string>& given);
/// Gives the values that follow from the number of images, and says on stderr what the preset has chosen.
void apply_length(recipe& config, std::size_t images, const std::vector<std::string>& given);

/// The EMA momentum of the target at the last step: 1, or that of the first step for methods that keep it.
double last_target_momentum(const recipe& config);

/// Does a preset give this member its value?
bool is_preset_member(const field& member);
/// The presets of the recipe's method, one per line, for --help.
std::string describe_presets(const recipe& config);

/// Options of a method whose views differ in more than place and orientation.
struct color_options {
  double jitter = 0, blur = 0, color = 0;
};
/// How the views of a recipe differ.
pretext::view_preset views_of(const recipe& config, const color_options& options = {});

/// What a vision transformer learns with, where no preset says otherwise.
inline void suit_vision_transformer(recipe& config) {
  config.encoder = "vit-micro";
  config.optimizer = "adamw";
  config.learning_rate = 1e-3;
  config.weight_decay = 0.05;
  if (config.channels == 3) config.normalisation = "imagenet";
}

}  // namespace programs
