// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/io/utf8.hpp>

// Vision transformers of other codes differ from timm's in names, or compute what timm's compute with other
// tensors. These functions rewrite their files.
namespace pretext::inline v0_1::detail {

/// Gives the tensors of torchvision's vision transformers, behind any prefix, and DINOv2's registers timm's
/// names; other files stay as they are.
inline void rename_vit_tensors(safetensors& file) {
  using pair = std::pair<std::string_view, std::string_view>;
  static constexpr std::array<pair, 5> ends{{{"register_tokens", "reg_token"},
                                             {"class_token", "cls_token"},
                                             {"encoder.pos_embedding", "pos_embed"},
                                             {"conv_proj.weight", "patch_embed.proj.weight"},
                                             {"conv_proj.bias", "patch_embed.proj.bias"}}};
  static constexpr std::array<pair, 11> parts{{{"encoder.layers.encoder_layer_", "blocks."},
                                               {"encoder.ln.", "norm."},
                                               {"heads.head.", "head."},
                                               {".ln_1.", ".norm1."},
                                               {".ln_2.", ".norm2."},
                                               {".self_attention.in_proj_", ".attn.qkv."},
                                               {".self_attention.out_proj.", ".attn.proj."},
                                               {".mlp.0.", ".mlp.fc1."},
                                               {".mlp.linear_1.", ".mlp.fc1."},
                                               {".mlp.3.", ".mlp.fc2."},
                                               {".mlp.linear_2.", ".mlp.fc2."}}};
  bool found = false;
  for (const auto& entry : file.tensors)
    found |= entry.first.ends_with("encoder.pos_embedding") || entry.first.ends_with("register_tokens");
  if (!found) return;
  decltype(file.tensors) renamed;
  for (auto& [old_name, tensor] : file.tensors) {
    std::string name = old_name;
    for (const auto& [from, to] : ends)
      if (name.ends_with(from)) name.replace(name.size() - from.size(), from.size(), to);
    for (const auto& [from, to] : parts)
      if (const std::size_t at = name.find(from); at != name.npos) name.replace(at, from.size(), to);
    renamed.emplace(std::move(name), std::move(tensor));
  }
  file.tensors = std::move(renamed);
}

/// A table of positions begins with a row for the class token, or adds nothing to it: then the grid, a
/// square, is all there is. Gives the table `name` the first form (`wanted`), by a row of zeros, or the
/// second, by adding the row to the class token if there is one. Returns what was done, or nothing.
inline std::string fit_class_position(safetensors& file, const std::string& prefix, const std::string& name,
                                      bool wanted) {
  const auto shape = file.at(name).shape;
  if (shape.size() != 3 || shape[0] != 1 || shape[1] < 4) return {};
  const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(shape[1]))));
  const bool given = side * side != shape[1];
  if (given == wanted) return {};
  const std::size_t width = shape[2];
  auto table = file.as<double>(name);
  const std::vector<double> row(table.begin(), table.begin() + std::ptrdiff_t(given ? width : 0));
  table.erase(table.begin(), table.begin() + std::ptrdiff_t(row.size()));
  if (wanted) table.insert(table.begin(), width, 0);
  file.tensors.insert_or_assign(name, safetensor::of<double>({1, table.size() / width, width}, table));
  if (wanted) return "zeros added for the class token";
  if (!file.tensors.contains(prefix + "cls_token")) return "without the class token's row";
  auto token = file.as<double>(prefix + "cls_token");
  for (std::size_t i = 0; i < std::min(width, token.size()); ++i) token[i] += row[i];
  const auto token_shape = file.at(prefix + "cls_token").shape;
  file.tensors.insert_or_assign(prefix + "cls_token", safetensor::of<double>(token_shape, token));
  return "the class token's row added to cls_token";
}

/// Multiplies the scale γ of a layer's outputs (LayerScale: Touvron et al. 2021b, eq. 1) into its weights and
/// biases: γ·(Wx + b) = (γW)x + γb. `scale` is the tensor of γ, and is removed. Throws std::runtime_error
/// with the file and the tensor if their sizes differ.
inline void fold_layer_scale(safetensors& file, const std::string& scale, const std::string& layer) {
  const auto gamma = file.as<double>(scale);
  for (const char* part : {".weight", ".bias"}) {
    const std::string name = layer + part;
    const auto found = file.tensors.find(name);
    if (found == file.tensors.end()) continue;
    const auto shape = found->second.shape;
    if (shape.empty() || shape[0] != gamma.size())
      throw_error<std::runtime_error>(file.origin, ": ", quote(scale), " has ", gamma.size(),
                                      " values, which do not scale ", quote(name), " of shape ",
                                      found->second.shape_text());
    auto values = file.as<double>(name);
    const std::size_t row = values.size() / gamma.size();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] *= gamma[i / row];
    file.tensors.insert_or_assign(name, safetensor::of<double>(shape, values));
  }
  file.tensors.erase(scale);
}

}  // namespace pretext::inline v0_1::detail
