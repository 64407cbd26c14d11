// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/io/load_encoder.hpp>
#include <pretext/io/safetensors.hpp>

namespace pretext::inline v0_1 {

/// The weights of a `distillation`'s teacher, which gets images of this shape, from a file of ours or with
/// the names of torchvision, timm or MAE (`read_pretrained`). The views of the images must be normalised as
/// the teacher's were. Throws std::runtime_error that names the file and the tensor if one is missing or is
/// another encoder's.
template <class Encoder, ImageShape Images>
std::shared_ptr<const std::vector<float>> read_teacher(const std::filesystem::path& path) {
  constexpr const auto& table = parameters_of<Encoder, Images>;
  std::vector<float> values(weight_count<Encoder, Images>);
  const safetensors file = read_safetensors(path);
  const auto loaded = read_pretrained<float>(table, file, values.data(), detail::grid_of<Encoder, Images>());
  if (!loaded.missing.empty())
    throw_error<std::runtime_error>(
        path.string(), ": has no tensor \"", loaded.missing.front(),
        "\", which this teacher's feature needs; the file is of an encoder with another "
        "feature, or is to be fine-tuned first");
  return std::make_shared<const std::vector<float>>(std::move(values));
}

}  // namespace pretext::inline v0_1
