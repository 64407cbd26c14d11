#pragma once
#include <charconv>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/safetensors.hpp>

// Which network a file of the programs holds, by its metadata.
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

/// Does a method have vision transformers of its own? They have the names of PRETEXT_TEACHERS behind that of
/// the method: simmim/vit-micro.
constexpr bool has_own_transformers(std::string_view method) {
  return method == "dinov2" || method == "ijepa" || method == "simmim";
}

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

}  // namespace programs
