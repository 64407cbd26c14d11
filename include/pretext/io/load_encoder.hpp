#pragma once
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/io/interpolate_positions.hpp>
#include <pretext/io/torch_weights.hpp>

namespace pretext {

/// What was read from a pretrained encoder's file.
struct pretrained_weights {
  std::size_t tensors = 0;           ///< read
  std::string prefix;                ///< of the encoder's names in the file
  std::vector<std::string> missing;  ///< parameters that kept their values
  std::vector<std::string> unused;   ///< other names in the file: heads, decoders
};

namespace detail {
/// The prefix of a file's names: none, or one that training scripts commonly add.
inline std::string prefix_of(std::string_view name, const safetensors& file) {
  for (const char* prefix : {"", "backbone.", "encoder.", "module."})
    if (file.tensors.contains(prefix + std::string{name})) return prefix;
  return "";
}
}  // namespace detail

/// Reads a pretrained encoder's weights, in torchvision's, timm's or MAE's names, into the flat buffer
/// `value` in host memory. All names may have the prefix "backbone.", "encoder." or "module.". Position
/// embeddings of another grid are interpolated to the encoder's `grid` (a square by default). The norm after
/// the mean of the tokens, `fc_norm`, may be missing, because MAE's fine-tuning adds it. Throws
/// std::runtime_error that names the file and the tensor if another tensor is missing or has another shape.
template <class W>
pretrained_weights read_pretrained(std::span<const parameter> encoder, safetensors file, W* value,
                                   image_extent grid = {}) {
  pretrained_weights result;
  result.prefix = detail::prefix_of(encoder.front().name(), file);
  std::vector<parameter> wanted;
  for (const parameter& p : encoder) {
    const std::string name = result.prefix + std::string{p.name()};
    if (p.name().starts_with("fc_norm.") && !file.tensors.contains(name)) {
      result.missing.emplace_back(p.name());
      continue;
    }
    if (p.name() == "pos_embed" && file.tensors.contains(name)) {
      const auto side =
          static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(p.extents[1] - 1))));
      fit_positions(file, name, grid == image_extent{} ? image_extent{side, side} : grid);
    }
    wanted.push_back(p);
  }
  auto loaded = read_torch_tensors<W>(wanted, file, result.prefix, value);
  result.tensors = loaded.tensors;
  result.unused = std::move(loaded.unused);
  return result;
}

}  // namespace pretext
