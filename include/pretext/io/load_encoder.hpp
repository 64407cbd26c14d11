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

namespace pretext::inline v0_1 {

/// The result of reading a pretrained encoder.
struct pretrained_weights {
  std::size_t tensors = 0;
  std::string prefix;                ///< of the encoder's names in the file
  std::vector<std::string> missing;  ///< parameters that were not in the file and are unchanged
  std::vector<std::string> unused;   ///< tensors that do not belong to the encoder: heads, decoders
};

namespace detail {
/// The prefix of the names in a file: empty, or one that training scripts add.
inline std::string prefix_of(std::string_view name, const safetensors& file) {
  for (const char* prefix : {"", "backbone.", "encoder.", "module."})
    if (file.tensors.contains(prefix + std::string{name})) return prefix;
  return "";
}
}  // namespace detail

/// Reads the weights of a pretrained encoder with the names of torchvision, timm or MAE into an encoder's
/// flat buffer `value`. Names may begin with "backbone.", "encoder." or "module.". Positions of another grid
/// are interpolated to `grid`, by default a square. `fc_norm`, the norm after a mean of tokens, may be
/// missing, as in MAE's fine-tuning. Throws std::runtime_error with the file and the tensor if another tensor
/// is missing or has another shape.
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

}  // namespace pretext::inline v0_1
