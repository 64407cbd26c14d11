#include "recipe.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>
#include <pretext/core/expects.hpp>

#include "fine_tuning.hpp"
#include "method_info.hpp"

namespace programs {
namespace {

void write(recipe& config, nlohmann::json& members) {
  for (const field& member : config.fields())
    if (*member.key) std::visit([&](const auto* value) { members[member.key] = *value; }, member.value);
}

/// The default values of all options that the first version had. Its programs wrote them all, whichever of
/// them they read, and the text is part of an encoder's metadata: so it stays the same, byte for byte. The
/// options of later methods are in their own recipes alone.
nlohmann::json first_version_defaults() {
  nlohmann::json members;
  for (const method_entry& method : methods())
    for (const char* name : {"simclr", "byol", "mae"})
      if (method.info.name == name) write(*method.defaults, members);
  finetune_recipe fine_tuning;
  write(fine_tuning, members);
  return members;
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
      {"normalisation", &normalisation, "--normalise", "mean and standard deviation to normalise with",
       one_of{{"none", "cifar", "imagenet"}}},
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
       positive{}},
      {"warmup_epochs", &warmup_epochs, "--warmup-epochs", "epochs of linear warm-up", non_negative{}},
      {"momentum", &momentum, "--momentum", "of SGD and LARS", below_one{}},
      {"nesterov", &nesterov, "--nesterov,!--no-nesterov", "Nesterov momentum (SGD)"},
      {"beta1", &beta1, "--beta1", "of AdamW", below_one{}},
      {"beta2", &beta2, "--beta2", "of AdamW", below_one{}},
      {"weight_decay", &weight_decay, "--weight-decay", "", non_negative{}},
      {"target_momentum", &target_momentum}};
}

std::string to_text(recipe& config) {
  nlohmann::json members = first_version_defaults();
  write(config, members);
  return members.dump(2) + "\n";
}

void read_text(const std::string& text, const std::string& source, recipe& config) {
  config.reset();
  try {
    const auto members = nlohmann::json::parse(text);
    if (!members.is_object()) pretext::throw_error<std::runtime_error>(source, ": is not a recipe");
    for (const field& member : config.fields())
      if (*member.key && members.contains(member.key))
        std::visit([&](auto* value) { members.at(member.key).get_to(*value); }, member.value);
  } catch (const nlohmann::json::exception& error) {
    pretext::throw_error<std::runtime_error>(source, ": is not a recipe; ", error.what());
  }
}

std::vector<std::pair<std::string, std::string>> configuration_of(const std::string& text, recipe& config) {
  nlohmann::json members = first_version_defaults();
  members.update(nlohmann::json::parse(text));
  write(config, members);
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : members.items())
    all.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return all;
}

}  // namespace programs
