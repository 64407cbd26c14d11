#include "recipe.hpp"

#include <nlohmann/json.hpp>
#include <pretext/core/expects.hpp>

namespace programs {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(recipe, method, data, encoder, image_size, images,
                                                test_images, epochs, batch, seed, optimizer, learning_rate,
                                                warmup_epochs, momentum, nesterov, beta1, beta2, weight_decay,
                                                temperature, target_momentum, initialisation, mask_ratio,
                                                normalise_pixels, drop_path, layer_decay, jitter,
                                                minimum_area, normalisation, on_bad_image, weights, labels,
                                                label_smoothing, mixup, cutmix, erasing, rand_augment, freeze)

std::string to_text(const recipe& asked) { return nlohmann::json(asked).dump(2) + "\n"; }

recipe recipe_from_text(const std::string& text, const std::string& source) {
  try {
    return nlohmann::json::parse(text).get<recipe>();
  } catch (const nlohmann::json::exception& error) {
    pretext::throw_error<std::runtime_error>(source, ": is no recipe; ", error.what());
  }
}

std::vector<std::pair<std::string, std::string>> settings_of(const recipe& asked) {
  std::vector<std::pair<std::string, std::string>> all;
  const nlohmann::json members = asked;
  for (const auto& [name, value] : members.items())
    all.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return all;
}

}  // namespace programs
