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

/// What a pretrained encoder's file gave.
struct pretrained_weights {
  std::size_t tensors = 0;
  std::string prefix;                ///< of the names in the file
  std::vector<std::string> missing;  ///< parameters that keep the value they had
  std::vector<std::string> unused;   ///< names that nobody asked for: heads, decoders
};

namespace detail {
/// What the names of a file have before those of the table: nothing, or what a training script puts there.
inline std::string prefix_of(std::string_view name, const safetensors& file) {
  for (const char* prefix : {"", "backbone.", "encoder.", "module."})
    if (file.tensors.contains(prefix + std::string{name})) return prefix;
  return "";
}
}  // namespace detail

/// Reads a pretrained encoder's weights in torchvision's, timm's or MAE's names, whoever wrote them, into the
/// buffer of an encoder that is to be used or fine-tuned. Names may stand behind "backbone.", "encoder." or
/// "module."; positions of another grid are interpolated (the encoder's `grid`, a square unless given); the
/// norm behind a mean of tokens, `fc_norm`, may be missing, as in MAE's fine-tuning. Throws
/// std::runtime_error that names the file and the tensor if another one is missing or of another shape.
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
