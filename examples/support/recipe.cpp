#include "recipe.hpp"

#include <cmath>
#include <set>
#include <stdexcept>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/io/utf8.hpp>

#include "fine_tuning.hpp"
#include "json_fault.hpp"
#include "method_info.hpp"

namespace programs {
namespace {

constexpr const char* percent_encoded = "percent_encoded";

/// JSON holds UTF-8 only, paths hold any bytes: those above 127, and '%', become %XX.
std::string percent_encode(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string text;
  for (const char c : bytes)
    if (const auto byte = static_cast<unsigned char>(c); byte < 0x80 && c != '%')
      text += c;
    else
      ((text += '%') += digits[byte >> 4]) += digits[byte & 15];
  return text;
}
/// Returns false if the text is not of that form.
bool percent_decode(std::string_view text, std::string& bytes) {
  bytes.clear();
  for (; !text.empty(); text.remove_prefix(1)) {
    if (text[0] != '%') {
      bytes += text[0];
      continue;
    }
    const std::size_t high = std::string_view{"0123456789ABCDEF"}.find(text.size() > 2 ? text[1] : '?'),
                      low = std::string_view{"0123456789ABCDEF"}.find(text.size() > 2 ? text[2] : '?');
    if (high > 15 || low > 15) return false;
    bytes += static_cast<char>(high * 16 + low);
    text.remove_prefix(2);
  }
  return true;
}

nlohmann::json json_of(const std::string& text) {
  if (pretext::detail::find_invalid_utf8(text) == text.size()) return text;
  return {{percent_encoded, percent_encode(text)}};
}
template <class Value>
nlohmann::json json_of(const Value& value) {
  return value;
}

// Each reads a value from JSON; false if the value is of another type or does not fit.
bool read(const nlohmann::json& from, std::string& value) {
  if (from.is_object() && from.size() == 1 && from.contains(percent_encoded) &&
      from[percent_encoded].is_string())
    return percent_decode(from[percent_encoded].get_ref<const std::string&>(), value);
  if (from.is_string()) value = from.get<std::string>();
  return from.is_string();
}
bool read(const nlohmann::json& from, bool& value) {
  if (from.is_boolean()) value = from.get<bool>();
  return from.is_boolean();
}
bool read(const nlohmann::json& from, std::size_t& value) {
  if (from.is_number_unsigned()) value = from.get<std::size_t>();
  return from.is_number_unsigned();
}
bool read(const nlohmann::json& from, double& value) {
  if (from.is_number()) value = from.get<double>();
  return from.is_number();
}

template <class Value>
constexpr const char* kind_of = "a text";
template <>
constexpr const char* kind_of<bool> = "true or false";
template <>
constexpr const char* kind_of<std::size_t> = "a whole number from 0 to 18446744073709551615";
template <>
constexpr const char* kind_of<double> = "a number";

void read(const nlohmann::json& from, const std::string& source, const field& member) {
  std::visit(
      [&]<class Value>(Value* value) {
        if (!read(from, *value))
          pretext::throw_error<std::runtime_error>(
              source, ": the member \"", member.key, "\" must be ", kind_of<Value>, ", not ",
              pretext::detail::printable(from.dump().substr(0, 80), false));
        if constexpr (std::is_same_v<Value, std::size_t> || std::is_same_v<Value, double>)
          if (const std::string fault = fault_of(member, from.dump()); !fault.empty())
            pretext::throw_error<std::runtime_error>(source, ": the member \"", member.key, "\": ", fault);
      },
      member.value);
}

/// `all`: with the members that recipe.json leaves out.
void write(recipe& config, nlohmann::json& members, bool all) {
  for (const field& member : config.fields()) {
    if (!*member.key) continue;
    std::visit(
        [&]<class Value>(const Value* value) {
          if constexpr (std::is_same_v<Value, double>)
            pretext::expects(std::isfinite(*value), *member.option ? member.option : member.key, " is ",
                             *value, "; give a finite number");
          const nlohmann::json written = json_of(*value);
          if (all || written != nlohmann::json::parse(member.omitted)) members[member.key] = written;
        },
        member.value);
  }
}

/// The default values of all options that the first version had. Its programs wrote them all, whichever of
/// them they read, and the text is part of an encoder's metadata: so it stays the same, byte for byte. The
/// options of later methods are in their own recipes alone.
nlohmann::json first_version_defaults() {
  nlohmann::json members;
  for (const method_entry& method : methods())
    for (const char* name : {"simclr", "byol", "mae"})
      if (method.info.name == name) write(*method.defaults, members, false);
  finetune_recipe fine_tuning;
  write(fine_tuning, members, false);
  return members;
}

/// The keys of the recipes of all programs: a program reads the recipes of others, too.
std::set<std::string> known_members(recipe& config) {
  std::set<std::string> keys;
  const auto add = [&](recipe& any) {
    for (const field& member : any.fields()) keys.insert(member.key);
  };
  for (const method_entry& method : methods()) add(*method.defaults);
  finetune_recipe fine_tuning;
  add(fine_tuning);
  add(config);
  return keys;
}

/// The members of a recipe's text, each of which is known and there once.
nlohmann::json parse_members(const std::string& text, const std::string& source, recipe& config) {
  const auto known = known_members(config);
  std::set<std::string> found;
  const auto reject = [&](const auto&... fault) {
    pretext::throw_error<std::runtime_error>(source, ": ", fault...);
  };
  const auto check = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (depth != 1 || event != nlohmann::json::parse_event_t::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    const std::string quoted = pretext::detail::quote(key);
    if (!known.contains(key))
      reject("no program has the member ", quoted,
             "; a later version may have written it, or it is misspelt");
    if (!found.insert(key).second) reject("the member ", quoted, " is there twice");
    return true;
  };
  try {
    auto members = nlohmann::json::parse(text, check);
    if (!members.is_object()) reject("is not a recipe");
    return members;
  } catch (const nlohmann::json::exception& error) { reject("is not a recipe; ", json_fault(text, error)); }
  return {};
}

}  // namespace

std::vector<field> recipe::fields() {
  return {
      {"method", &method},
      {"data", &data, "--data",
       "\"builtin\", or a folder: CIFAR, STL-10 or IDX files, or JPEG and PNG images"},
      {"encoder", &encoder, "--encoder", "network:"},
      {"image_size", &image_size, "--image-size", "height and width of the views in pixels",
       between{1, 65536}},
      {"images", &images, "--images", "number of training images to use; 0: all (built-in: 8000)"},
      {"test_images", &test_images, "--test-images", "number of test images to use; 0: all (built-in: 2000)"},
      {"minimum_area", &minimum_area, "--minimum-area",
       "smallest area of a random crop, as a fraction of the image",
       range{.min = 0, .max = 1, .above_min = true}},
      {"orientation", &orientation, "--orientation",
       "\"upright\": half of the views are flipped left to right; \"any\": they are also turned by 90 "
       "degrees "
       "and upside down, for objects without an upright position; \"fixed\": neither, where left and right "
       "mean different things",
       one_of{{"upright", "any", "fixed"}}, "\"upright\""},
      {"channels", &channels, "--channels", "of the images: 1 for gray ones", between{1, 4096}, "3"},
      {"levels", &levels, "--levels",
       "samples that become 0 and 1: \"type\" for the whole range of their type, LOW:HIGH, LOW%:HIGH% for "
       "percentiles of each image, or \"data\" for percentiles 0.1 and 99.9 of the training images",
       std::monostate{}, "\"type\""},
      {"normalisation", &normalisation, "--normalise",
       "mean and standard deviation to normalise with: \"none\", \"cifar\", \"imagenet\", \"data\" for those "
       "of "
       "the training images, or numbers for each channel, M,M,M/S,S,S"},
      {"on_bad_image", &on_bad_image, "--on-bad-image", "what to do about an unreadable image",
       one_of{{"stop", "skip"}}},
      {"max_pixels", &max_pixels, "--max-pixels",
       "most pixels of an image; larger ones are unreadable, JPEGs after they were halved", positive{}},
      {"exif_orientation", &exif_orientation, "--exif-orientation",
       "\"apply\": turn photographs upright as their EXIF data say; torchvision ignores them",
       one_of{{"ignore", "apply"}}},

      {"epochs", &epochs, "--epochs", "", between{1, max_epochs}},
      {"batch", &batch, "--batch", "images per step", between{2, 65536}},
      {"seed", &seed, "--seed"},
      {"optimizer", &optimizer, "--optimizer", "", one_of{{"sgd", "lars", "adamw"}}},
      {"learning_rate", &learning_rate, "--learning-rate", "peak learning rate for this batch size",
       non_negative{}},
      {"warmup_epochs", &warmup_epochs, "--warmup-epochs", "epochs of linear warm-up", non_negative{}},
      {"momentum", &momentum, "--momentum", "of SGD and LARS", below_one{}},
      {"nesterov", &nesterov, "--nesterov,!--no-nesterov", "Nesterov momentum (SGD)"},
      {"beta1", &beta1, "--beta1", "of AdamW", below_one{}},
      {"beta2", &beta2, "--beta2", "of AdamW", below_one{}},
      {"weight_decay", &weight_decay, "--weight-decay", "", non_negative{}},
      {"target_momentum", &target_momentum}};
}

std::vector<field> pretraining_recipe::fields() {
  auto all = recipe::fields();
  all.push_back(
      {"init", &init, "--init",
       "file of an encoder to start from: of a run, or in torchvision's, timm's, MAE's, MoCo v3's or "
       "DINO's names",
       std::monostate{}, "\"\""});
  all.push_back(
      {"shards", &shards, "--shards",
       "equal parts of every batch, which several ranks share; the results depend on it, and not on "
       "the ranks",
       between{1, 65536}, "1"});
  all.push_back({"weight_decay_growth", &weight_decay_growth, "--weight-decay-growth",
                 "factor by which the weight decay grows until the last step, along half a cosine",
                 non_negative{}, "1"});
  all.push_back({"clip_norm", &clip_norm, "--clip-norm",
                 "largest norm of the gradients, which are scaled to it; 0: any", non_negative{}, "0"});
  all.push_back({"clip_by", &clip_by, "--clip-by", "gradients that --clip-norm is the norm of",
                 one_of{{"tensor", "module", "whole"}}, "\"whole\""});
  return all;
}

std::string to_text(recipe& config) {
  nlohmann::json members = first_version_defaults();
  write(config, members, false);
  return members.dump(2) + "\n";
}

void read_text(const std::string& text, const std::string& source, recipe& config) {
  const auto members = parse_members(text, source, config);
  config.reset();
  for (const field& member : config.fields())
    if (*member.key && members.contains(member.key)) read(members.at(member.key), source, member);
}

recipe_values values_of(recipe& config) {
  nlohmann::json members;
  write(config, members, true);
  recipe_values values;
  for (const auto& [key, value] : members.items()) values[key] = value.dump();
  return values;
}

void set_values(recipe& config, const recipe_values& values) {
  for (const field& member : config.fields())
    if (const auto found = values.find(member.key); found != values.end())
      read(nlohmann::json::parse(found->second), "a recipe", member);
}

std::vector<std::pair<std::string, std::string>> configuration_of(const std::string& text, recipe& config) {
  nlohmann::json members = first_version_defaults();
  members.update(nlohmann::json::parse(text));
  write(config, members, true);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : members.items())
    all.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return all;
}

}  // namespace programs
