#pragma once
#include <filesystem>
#include <memory>

#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// Creates the recipe's encoder, untrained, for `evaluate`. Its `make` is defined in encoder.hpp, which only
/// the sources that CMake stamps include.
struct untrained_encoder {
  using product = pretext::any_encoder;
  using arguments = recipe;
  template <class Device>
  static std::unique_ptr<product> make(const recipe&, const typename Device::stream&);
};

/// Reads the weights of an encoder in torchvision's or timm's names and layouts. All names may have the
/// prefix "backbone.", "encoder." or "module."; a classifier in the same file is ignored. Throws
/// std::runtime_error that names the file and the tensor if one is missing or has another shape.
void load_encoder(const std::filesystem::path& file, pretext::any_encoder& encoder);

}  // namespace programs
