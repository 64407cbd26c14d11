#pragma once
#include <memory>
#include <optional>

#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// Creates the encoder that a recipe names, untrained, for the programs that only use encoders. Its `make` is
/// defined in make_encoder.hpp, which only the sources that CMake stamps include.
struct untrained_encoder {
  using product = pretext::any_encoder;
  struct arguments {
    const recipe& config;
    /// The preprocessing that an encoder file records; nothing: that of the recipe.
    std::optional<pretext::encoder_info> recorded{};
  };
  template <class Device>
  static std::unique_ptr<product> make(const arguments&, const typename Device::stream&);
};

}  // namespace programs
