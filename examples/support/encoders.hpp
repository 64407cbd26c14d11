#pragma once
#include <filesystem>

#include <pretext/runtime/any_encoder.hpp>

namespace programs {

/// Reads an encoder's weights in torchvision's and timm's names and layouts, whoever wrote them: names may
/// all stand behind "backbone.", "encoder." or "module.", a classifier beside them is left alone. Throws
/// std::runtime_error that names the file and the tensor if one is missing or of another shape.
void load_encoder(const std::filesystem::path& file, pretext::any_encoder& encoder);

}  // namespace programs
