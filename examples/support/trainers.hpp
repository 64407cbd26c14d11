#pragma once
#include <memory>
#include <string>
#include <vector>

#include <pretext/training/any_trainer.hpp>

#include "recipe.hpp"

namespace programs {

/// An encoder that the programs were compiled with.
struct encoder_choice {
  std::string name;
  std::size_t image_size;
  std::string about;
};

/// Every encoder and image size that `make_simclr` takes.
std::vector<encoder_choice> encoders();

/// A trainer for the recipe; throws std::invalid_argument that lists the choices if its encoder was not
/// compiled.
std::unique_ptr<pretext::any_trainer> make_simclr(const recipe& asked, std::size_t threads);

}  // namespace programs
