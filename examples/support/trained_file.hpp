#pragma once
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/inference/classifier_file.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/safetensors.hpp>

#include "encoder_list.hpp"

// The types of a network that a file of the programs holds, chosen at run time by the file's metadata.
namespace programs {

/// What a file says about its network.
struct recorded_network {
  std::string method;   ///< that trained it
  std::string encoder;  ///< its name in known_encoders.hpp
  std::size_t image_size = 32, channels = 3;
};

namespace detail {

/// The number that a member of a recipe is, or `otherwise` if the recipe, of an earlier version, lacks it.
inline std::size_t number_in(std::string_view recipe, std::string_view name, std::size_t otherwise) {
  const std::string key = '"' + std::string{name} + "\":";
  const std::size_t at = recipe.find(key);
  if (at == recipe.npos) return otherwise;
  const std::size_t digit = recipe.find_first_not_of(" \n", at + key.size());
  if (digit != recipe.npos) std::from_chars(recipe.data() + digit, recipe.data() + recipe.size(), otherwise);
  return otherwise;
}

}  // namespace detail

/// Throws std::runtime_error that names the file if no program wrote it.
inline recorded_network network_of(const pretext::safetensors& file) {
  const auto recipe = file.metadata.find("recipe");
  recorded_network found;
  if (recipe != file.metadata.end()) {
    found.method = pretext::detail::json_string_member(recipe->second, "method");
    found.encoder = pretext::detail::json_string_member(recipe->second, "encoder");
    found.image_size = detail::number_in(recipe->second, "image_size", 32);
    found.channels = detail::number_in(recipe->second, "channels", 3);
  }
  if (found.encoder.empty())
    pretext::throw_error<std::runtime_error>(
        file.origin,
        ": does not record which encoder it holds; it must be a file that a program wrote, such as "
        "encoder.safetensors of a run");
  return found;
}

/// `make.operator()<Encoder, Images>()` for the types of the file's encoder. A ViT whose feature is the mean
/// of its tokens, as in fine-tuning, has the tensor fc_norm.weight. Throws std::invalid_argument that lists
/// the encoders of this program if the file's is none of them.
template <class Product, class Make>
std::unique_ptr<Product> make_for_file(const pretext::safetensors& file, const Make& make) {
  const recorded_network found = network_of(file);
  const auto make_entry = [&]<class Encoder, std::size_t Size, std::size_t Channels>(
                              const compiled_encoder<Encoder, Size, Channels>&) {
    return make.template operator()<Encoder, pretext::shape<Size, Size, Channels>>();
  };
  if (file.tensors.contains("fc_norm.weight"))
    return make_for_encoder<Product>(finetune_encoders, found, make_entry);
  return with_encoders_of(found.method, [&](const auto& encoders) {
    return make_for_encoder<Product>(encoders, found, make_entry);
  });
}

/// Does the file hold a classifier beside the encoder?
inline bool has_classifier(const pretext::safetensors& file) {
  return std::ranges::any_of(file.tensors,
                             [](const auto& entry) { return pretext::belongs_to_classifier(entry.first); });
}

}  // namespace programs
