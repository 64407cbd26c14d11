#include "presets.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include <pretext/core/expects.hpp>
#include <pretext/recipes/presets_by_name.hpp>

#include "counted.hpp"
#include "method_info.hpp"

namespace programs {
namespace {

using namespace pretext;

constexpr std::array<std::pair<const char*, image_kind>, 3> kinds{{{"paper", image_kind::photographs},
                                                                   {"small", image_kind::small_images},
                                                                   {"inspection", image_kind::inspection}}};

pretraining_preset preset_of(const recipe& config) {
  for (const auto& [name, kind] : kinds)
    if (config.preset == name) return *preset_for(config.method, kind);
  throw_error("--preset ", config.preset, " is unknown; choose auto, paper, small or inspection");
}

constexpr std::array<const char*, 3> optimizer_names{"sgd", "lars", "adamw"};

preset_optimizer optimizer_of(const std::string& name) {
  const auto found = std::ranges::find(optimizer_names, std::string_view{name});
  expects(found != optimizer_names.end(), "--optimizer ", name, " is unknown; choose sgd, lars or adamw");
  return static_cast<preset_optimizer>(found - optimizer_names.begin());
}
const char* name_of(preset_optimizer which) { return optimizer_names[static_cast<std::size_t>(which)]; }
const char* name_of(clip_by which) {
  return which == clip_by::tensor ? "tensor" : which == clip_by::module ? "module" : "whole";
}

/// Built-in images need at least so many steps, at any rate that was tried (docs/choosing.md).
std::size_t enough_steps(const recipe& config) { return info_of(config.method).pairs_views ? 200 : 500; }

/// Six significant digits, so that 0.3 is 0.3 in recipe.json and in messages.
double rounded(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return std::stod(text);
}

bool is_given(const std::vector<std::string>& given, const field& member) {
  const std::string option = member.option;
  return std::ranges::find(given, option.substr(0, option.find(','))) != given.end();
}

/// Gives the member its value, if the recipe has it and its option is not given.
template <class Value>
void set(recipe& config, const std::vector<std::string>& given, std::string_view key, const Value& value) {
  for (const field& member : config.fields())
    if (*member.option && member.key == key && !is_given(given, member))
      *std::get<Value*>(member.value) = value;
}

}  // namespace

field preset_field(recipe& config) {
  return {
      "preset",
      &config.preset,
      "--preset",
      "values of the options that are not given, see below; \"auto\": inspection for gray images, else small",
      one_of{{"auto", "paper", "small", "inspection"}},
      "\"\""};
}

bool has_presets(const recipe& config) {
  return preset_for(config.method, image_kind::small_images).has_value();
}

void apply_preset(recipe& config, const std::vector<std::string>& given) {
  if (!has_presets(config)) return;
  if (config.preset == "auto") config.preset = config.channels == 1 ? "inspection" : "small";
  const pretraining_preset preset = preset_of(config);
  set(config, given, "batch", preset.batch);
  set<std::string>(config, given, "optimizer", name_of(preset.optimizer));
  const preset_optimizer used = optimizer_of(config.optimizer);
  set(config, given, "learning_rate", rounded(preset.learning_rate(used, config.batch)));
  set(config, given, "weight_decay", preset.with(used).weight_decay);
  set(config, given, "clip_norm", preset.clip_norm.value_or(0));
  set<std::string>(config, given, "clip_by", name_of(preset.clip));
  set(config, given, "weight_decay_growth", rounded(preset.weight_decay_growth));
  set(config, given, "warmup_epochs", rounded(preset.warmup_epochs(config.epochs)));
  set(config, given, "temperature", preset.temperature);
  set(config, given, "epsilon", preset.epsilon);
  set(config, given, "queue", preset.queue_capacity);
  set(config, given, "frossl_invariance", rounded(preset.invariance(config.batch)));
  set<std::string>(config, given, "initialisation", preset.has_official_heads(used) ? "official" : "torch");
  set(config, given, "minimum_area", rounded(static_cast<double>(preset.views.minimum_area)));
  set(config, given, "jitter", rounded(static_cast<double>(preset.views.jitter)));
  set(config, given, "color", rounded(static_cast<double>(preset.views.color)));
  set(config, given, "blur", rounded(static_cast<double>(preset.views.blur)));
  set<std::string>(config, given, "orientation", preset.views.any_orientation ? "any" : "upright");
}

double last_target_momentum(const recipe& config) {
  if (config.preset.empty() || !has_presets(config)) return 1;  // a run of an earlier version
  return preset_of(config).constant_momentum ? config.target_momentum : 1;
}

void apply_length(recipe& config, std::size_t images, const std::vector<std::string>& given) {
  if (!has_presets(config)) return;
  const pretraining_preset preset = preset_of(config);
  const training_length length{images, config.batch, config.epochs};
  set(config, given, "target_momentum", std::round(1000 * preset.target_momentum(length.steps())) / 1000);
  std::fprintf(stderr, "preset %s: %s, learning rate %g for %s a step, weight decay %g\n",
               config.preset.c_str(), config.optimizer.c_str(), config.learning_rate,
               counted(config.batch, "image").c_str(), config.weight_decay);
  const std::size_t enough = enough_steps(config),
                    per_epoch = std::max<std::size_t>(1, images / config.batch);
  if (length.steps() < enough)
    std::fprintf(
        stderr, "%s: %zu teach more, by a smaller --batch or by --epochs %zu\n",
        length.steps() == 1 ? "1 step is little" : (counted(length.steps(), "step") + " are few").c_str(),
        enough, (enough + per_epoch - 1) / per_epoch);
}

bool is_preset_member(const field& member) {
  static constexpr std::array<std::string_view, 19> keys{"color",          "batch",
                                                         "optimizer",      "learning_rate",
                                                         "weight_decay",   "weight_decay_growth",
                                                         "warmup_epochs",  "temperature",
                                                         "initialisation", "minimum_area",
                                                         "jitter",         "blur",
                                                         "orientation",    "target_momentum",
                                                         "epsilon",        "frossl_invariance",
                                                         "clip_norm",      "clip_by",
                                                         "queue"};
  return std::ranges::find(keys, std::string_view{member.key}) != keys.end();
}

std::string describe_presets(const recipe& config) {
  std::string text = "Presets, with the learning rate for a batch of 64, 256 and 1024 images:";
  for (const auto& [name, kind] : kinds) {
    const pretraining_preset preset = *preset_for(config.method, kind);
    text += str_cat("\n  ", name, ": ", name_of(preset.optimizer), " with");
    for (const std::size_t batch : {std::size_t{64}, std::size_t{256}, std::size_t{1024}})
      text += str_cat(" ", rounded(preset.learning_rate(preset.optimizer, batch)));
    text += str_cat("; crops of at least ", rounded(static_cast<double>(preset.views.minimum_area)),
                    " of the area, ", preset.views.any_orientation ? "any orientation" : "upright");
  }
  return text;
}

view_preset views_of(const recipe& config, const color_options& options) {
  return {.minimum_area = static_cast<float>(config.minimum_area),
          .jitter = static_cast<float>(options.jitter),
          .color = static_cast<float>(options.color),
          .blur = static_cast<float>(options.blur),
          .any_orientation = config.orientation == "any",
          .flip = config.orientation != "fixed"};
}

}  // namespace programs
