#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>

#include <pretext/training/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// The recipe's encoder, untrained; throws std::invalid_argument that lists the choices if it was not
/// compiled.
std::unique_ptr<pretext::any_encoder> make_encoder(const recipe& asked, std::size_t threads);

/// Reads an encoder's weights in torchvision's and timm's names and layouts, whoever wrote them: names may
/// all stand behind "backbone.", "encoder." or "module.", a classifier beside them is left alone. Throws
/// std::runtime_error that names the file and the tensor if one is missing or of another shape.
void load_encoder(const std::filesystem::path& file, pretext::any_encoder& encoder);

}  // namespace programs
