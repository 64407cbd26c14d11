// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/float_text.hpp>
#include <pretext/core/version.hpp>
#include <pretext/inference/preprocessing.hpp>
#include <pretext/io/safetensors.hpp>

// Metadata of a safetensors file is a map from text to text. Every fact has a key of its own, so that any
// reader of safetensors can use it without a parser. Floats are printed with as many digits as reading them
// back needs.
namespace pretext::inline v0_1 {

/// What an encoder file records besides the weights.
struct encoder_info {
  image_extent input;        ///< the encoder's input size in pixels
  std::size_t channels = 3;  ///< of the encoder's input
  std::size_t features = 0;  ///< D: values of the feature of one image
  pretext::preprocessing preprocessing;
  std::vector<float> mean{},
      deviation{};  ///< of an encoder of other channels than three, for `preprocessing_for`
  /// Of the library that wrote the file.
  std::string version =
      str_cat(pretext::version.major, ".", pretext::version.minor, ".", pretext::version.patch);
};

namespace detail {

inline constexpr std::array<std::pair<image_fit, std::string_view>, 3> image_fit_names{
    {{image_fit::whole, "whole"},
     {image_fit::central_crop, "central_crop"},
     {image_fit::shorter_side, "shorter_side"}}};
inline constexpr std::array<std::pair<interpolation, std::string_view>, 6> interpolation_names{
    {{interpolation::bilinear, "bilinear"},
     {interpolation::bilinear_antialias, "bilinear_antialias"},
     {interpolation::bicubic, "bicubic"},
     {interpolation::bicubic_antialias, "bicubic_antialias"},
     {interpolation::bicubic_tensorflow, "bicubic_tensorflow"},
     {interpolation::bicubic_legacy, "bicubic_legacy"}}};

inline constexpr std::array<std::pair<level_rule, std::string_view>, 2> level_rule_names{
    {{level_rule::window, "window"}, {level_rule::percentiles, "percentiles"}}};

template <class Enum, std::size_t N>
std::string_view name_of(const std::array<std::pair<Enum, std::string_view>, N>& names, Enum value) {
  for (const auto& [each, name] : names)
    if (each == value) return name;
  throw_error("an enumerator of value ", static_cast<int>(value), " has no name");
}

inline std::string print_floats(std::span<const float> values) {
  std::string text;
  for (const float value : values) text.append(text.empty() ? "" : " ").append(print_float(value));
  return text;
}

/// Reads the texts of a file's metadata; every complaint names the file and the key.
class metadata_reader {
 public:
  explicit metadata_reader(const safetensors& file) : file_{file} {}

  const std::string& text(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end())
      throw_error<std::runtime_error>(file_.origin, ": records a preprocessing without \"", key, "\"");
    return found->second;
  }
  template <class Number>
  Number number(const std::string& key) const {
    const std::string& all = text(key);
    const char* at = all.data();
    return next<Number>(key, at, all.data() + all.size(), true);
  }
  /// So many numbers, separated by spaces.
  std::vector<float> floats(const std::string& key, std::size_t count) const {
    const std::string& all = text(key);
    const char *at = all.data(), *const end = all.data() + all.size();
    std::vector<float> values;
    while (values.size() < count) values.push_back(next<float>(key, at, end, values.size() + 1 == count));
    return values;
  }
  template <class Enum, std::size_t N>
  Enum named(const std::string& key, const std::array<std::pair<Enum, std::string_view>, N>& names) const {
    for (const auto& [value, name] : names)
      if (text(key) == name) return value;
    refuse(key);
  }

 private:
  template <class Number>
  Number next(const std::string& key, const char*& at, const char* end, bool last) const {
    Number value{};
    const char* stop = at;
    if constexpr (std::floating_point<Number>) {
      std::size_t length = 0;
      const auto found = parse_float<Number>({at, end}, length);
      if (!found) refuse(key);
      value = *found;
      stop += length;
    } else {
      const auto [behind, error] = std::from_chars(at, end, value);
      if (error != std::errc{}) refuse(key);
      stop = behind;
    }
    if (last ? stop != end : stop == end || *stop != ' ') refuse(key);
    at = last ? stop : stop + 1;
    return value;
  }
  [[noreturn]] void refuse(const std::string& key) const {
    throw_error<std::runtime_error>(file_.origin, ": the metadata \"", key, "\" cannot be ",
                                    quote(text(key)));
  }

  const safetensors& file_;
};

/// The value of a member of type string in JSON text, or "" where there is none. The programs' recipes have
/// flat members and plain names, which is all that this reads.
inline std::string_view json_string_member(std::string_view json, const std::string& name) {
  const std::size_t key = json.find('"' + name + '"');
  if (key == json.npos) return {};
  const std::size_t open = json.find('"', key + name.size() + 2);
  if (open == json.npos) return {};
  const std::string_view rest = json.substr(open + 1);
  return rest.substr(0, rest.find('"'));
}

/// The preprocessing of files that the programs wrote before files recorded it: their recipe names the
/// normalisation, and the size of the images decides the rest.
inline std::optional<preprocessing> preprocessing_of_recipe(std::string_view recipe, image_extent input) {
  const std::string_view name = json_string_member(recipe, "normalisation");
  preprocessing from;
  if (name == "imagenet")
    from.normalisation = normalise{};
  else if (name == "cifar")
    from.normalisation = normalise{{.4914f, .4822f, .4465f}, {.2470f, .2435f, .2616f}};
  else if (name != "none")
    return std::nullopt;
  if (input.height > 32) {
    from.fit = image_fit::shorter_side;
    from.shorter_side = input.height * 8 / 7;
    from.method = interpolation::bicubic_antialias;
  }
  return from;
}

}  // namespace detail

/// Adds the levels of the images that an encoder was trained on to a file's metadata, unless they are the
/// whole range of their type.
inline void write_levels(const sample_levels& levels, std::map<std::string, std::string>& metadata) {
  if (levels.rule == level_rule::whole_type) return;
  metadata["level_rule"] = detail::name_of(detail::level_rule_names, levels.rule);
  metadata["level_low"] = detail::print_float(levels.low);
  metadata["level_high"] = detail::print_float(levels.high);
}

/// Adds what `info` says to a file's metadata; keys of another name stay.
inline void write_encoder_info(const encoder_info& info, safetensors& file) {
  const preprocessing& p = info.preprocessing;
  auto& data = file.metadata;
  data["library_version"] = info.version;
  data["input_height"] = std::to_string(info.input.height);
  data["input_width"] = std::to_string(info.input.width);
  data["input_channels"] = std::to_string(info.channels);
  data["features"] = std::to_string(info.features);
  data["image_fit"] = detail::name_of(detail::image_fit_names, p.fit);
  data["interpolation"] = detail::name_of(detail::interpolation_names, p.method);
  if (p.fit == image_fit::central_crop) {
    data["crop_proportion"] = detail::print_float(p.proportion);
    data["crop_rounding"] = p.round_down ? "down" : "nearest";
  }
  if (p.fit == image_fit::shorter_side) data["shorter_side"] = std::to_string(p.shorter_side);
  const rgb mean = p.normalisation.mean, deviation = p.normalisation.deviation;
  const bool color = info.channels == 3;
  data["mean"] = detail::print_floats(color ? std::vector{mean.r, mean.g, mean.b} : info.mean);
  data["std"] =
      detail::print_floats(color ? std::vector{deviation.r, deviation.g, deviation.b} : info.deviation);
  write_levels(p.levels, data);
}

/// What a file records, or nothing if it records no preprocessing (one that PyTorch wrote, for example).
/// Throws std::runtime_error that names the file and the key if a value makes no sense.
inline std::optional<encoder_info> read_encoder_info(const safetensors& file) {
  if (!file.metadata.contains("image_fit")) return std::nullopt;
  const detail::metadata_reader read{file};
  encoder_info info;
  info.version = read.text("library_version");
  info.input = {read.number<std::size_t>("input_height"), read.number<std::size_t>("input_width")};
  info.channels = read.number<std::size_t>("input_channels");
  info.features = read.number<std::size_t>("features");
  preprocessing& p = info.preprocessing;
  p.fit = read.named("image_fit", detail::image_fit_names);
  p.method = read.named("interpolation", detail::interpolation_names);
  if (p.fit == image_fit::central_crop) {
    constexpr std::array<std::pair<bool, std::string_view>, 2> roundings{
        {{true, "down"}, {false, "nearest"}}};
    p.proportion = read.number<float>("crop_proportion");
    p.round_down = read.named("crop_rounding", roundings);
  }
  if (p.fit == image_fit::shorter_side) p.shorter_side = read.number<std::size_t>("shorter_side");
  const auto mean = read.floats("mean", info.channels), deviation = read.floats("std", info.channels);
  if (info.channels == 3) {
    p.normalisation = {{mean[0], mean[1], mean[2]}, {deviation[0], deviation[1], deviation[2]}};
  } else {
    info.mean = mean;
    info.deviation = deviation;
  }
  if (file.metadata.contains("level_rule"))
    p.levels = {read.named("level_rule", detail::level_rule_names), read.number<float>("level_low"),
                read.number<float>("level_high")};
  return info;
}

/// The preprocessing that a file records for images of so many channels, which must be `info.channels`.
template <std::size_t Channels>
basic_preprocessing<Channels> preprocessing_for(const encoder_info& info) {
  const preprocessing& p = info.preprocessing;
  if constexpr (Channels == 3) {
    return p;
  } else {
    expects(info.mean.size() == Channels && info.deviation.size() == Channels,
            "preprocessing_for: ", info.mean.size(), " means and ", info.deviation.size(),
            " deviations are not those of ", Channels, " channels");
    basic_preprocessing<Channels> described{p.fit, p.proportion, p.round_down, p.shorter_side, p.method};
    described.levels = p.levels;
    std::copy_n(info.mean.begin(), Channels, described.normalisation.mean.channel);
    std::copy_n(info.deviation.begin(), Channels, described.normalisation.deviation.channel);
    return described;
  }
}

}  // namespace pretext::inline v0_1
