#pragma once
#include <memory>

#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// Creates the recipe's encoder, untrained, for `evaluate`. Its `make` is defined in make_encoder.hpp, which
/// only the sources that CMake stamps include.
struct untrained_encoder {
  using product = pretext::any_encoder;
  using arguments = recipe;
  template <class Device>
  static std::unique_ptr<product> make(const recipe&, const typename Device::stream&);
};

}  // namespace programs
