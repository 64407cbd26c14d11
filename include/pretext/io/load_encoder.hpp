// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/io/detail/vit_tensors.hpp>
#include <pretext/io/interpolate_positions.hpp>
#include <pretext/io/torch_weights.hpp>
#include <pretext/io/utf8.hpp>

namespace pretext::inline v0_1 {

/// The result of reading a pretrained encoder.
struct pretrained_weights {
  std::size_t tensors = 0;
  std::string prefix;                ///< of the encoder's names in the file
  std::vector<std::string> missing;  ///< parameters that were not in the file and are unchanged
  std::vector<std::string> unused;   ///< tensors that do not belong to the encoder: heads, decoders
  /// Parameters whose tensors were changed, and how: "interpolated from 14 x 14 to 24 x 24 positions".
  std::map<std::string, std::string> changed;
};

namespace detail {

/// How many of the encoder's names follow each prefix that a file has.
inline std::map<std::string_view, std::size_t> count_prefixes(const std::vector<std::string_view>& needed,
                                                              const safetensors& file) {
  const std::set<std::string_view> names{needed.begin(), needed.end()};
  std::map<std::string_view, std::size_t> counts;
  for (const auto& entry : file.tensors) {
    const std::string_view name = entry.first;
    for (std::size_t at = 0; at != name.npos;) {  // a prefix is empty or ends with a dot
      if (names.contains(name.substr(at))) ++counts[name.substr(0, at)];
      const std::size_t dot = name.find('.', at);
      at = dot == name.npos ? dot : dot + 1;
    }
  }
  return counts;
}

/// Does a prefix name the network of a pair that is not the one to evaluate: the moving average of MoCo
/// ("encoder_k."), BYOL ("target_network."), solo-learn ("momentum_backbone."), or DINO's student?
inline bool names_other_network(std::string_view prefix) {
  for (std::size_t begin = 0; begin < prefix.size();) {
    const std::size_t end = std::min(prefix.find_first_of("._", begin), prefix.size());
    for (const std::string_view other : {"k", "key", "momentum", "target", "ema", "student"})
      if (prefix.substr(begin, end - begin) == other) return true;
    begin = end + 1;
  }
  return false;
}

/// The first names in quotes, and how many more there are.
inline std::string list_names(const std::vector<std::string_view>& names, std::size_t shown) {
  std::string list;
  for (std::size_t i = 0; i < std::min(shown, names.size()); ++i)
    (list += list.empty() ? "" : ", ") += quote(names[i]);
  return names.size() > shown ? str_cat(list, " and ", names.size() - shown, " more") : list;
}

/// The prefix behind which a file has all of the encoder's names, or at least most of them.
inline std::string prefix_of(const std::vector<std::string_view>& needed, const safetensors& file) {
  const auto counts = count_prefixes(needed, file);
  std::vector<std::string_view> complete, preferred;
  for (const auto& [prefix, count] : counts)
    if (count == needed.size()) complete.push_back(prefix);
  for (const std::string_view prefix : complete)
    if (!names_other_network(prefix)) preferred.push_back(prefix);
  if (complete.size() == 1) return std::string{complete[0]};
  if (preferred.size() == 1) return std::string{preferred[0]};
  if (complete.size() > 1)
    throw_error<std::runtime_error>(file.origin, ": holds ", complete.size(),
                                    " encoders, whose names begin with ", list_names(complete, 8),
                                    "; save one of them to a file of its own");
  const auto best = std::ranges::max_element(counts, {}, [](const auto& each) { return each.second; });
  if (best != counts.end() && 2 * best->second >= needed.size()) return std::string{best->first};
  std::vector<std::string_view> present;
  for (const auto& entry : file.tensors) present.push_back(entry.first);
  throw_error<std::runtime_error>(
      file.origin, ": has ", best == counts.end() ? 0 : best->second, " of the encoder's ", needed.size(),
      " tensors behind any one prefix; the encoder's are ", list_names(needed, 3), ", the file's are ",
      list_names(present, 6), ": it was made for another encoder, or in another framework's names");
}

/// The grid of patches that an encoder's positions belong to, those of an image unless its recipe names
/// another; none for encoders without positions.
template <class Encoder, class Images>
constexpr image_extent grid_of() {
  if constexpr (requires { typename Encoder::template grid<Images>; }) {
    using positioned = typename Encoder::template grid<Images>;
    return {positioned::extents[0] / Encoder::patch, positioned::extents[1] / Encoder::patch};
  } else if constexpr (requires { Encoder::patch; })
    return {Images::extents[0] / Encoder::patch, Images::extents[1] / Encoder::patch};
  else
    return {};
}

/// Is it a parameter that published files may lack? A class token only where the feature is a mean of the
/// other tokens (`fc_norm`): I-JEPA's encoders have none.
inline bool is_optional(std::span<const parameter> encoder, std::string_view name) {
  if (name == "cls_token")
    return std::ranges::any_of(encoder, [](const parameter& p) { return p.name().starts_with("fc_norm."); });
  return name.starts_with("fc_norm.") || name == "reg_token" || name.ends_with(".ls1.gamma") ||
         name.ends_with(".ls2.gamma");
}

/// Fits the positions of a file to the encoder's table `p`, which belongs to the grid `to` (a square if it is
/// empty), and records what was done.
inline void fit_pretrained_positions(const parameter& p, safetensors& file, const std::string& prefix,
                                     image_extent to, pretrained_weights& result) {
  const auto side_of = [](std::size_t positions) {
    return static_cast<std::size_t>(std::sqrt(static_cast<double>(positions)) + 1e-9);
  };
  const std::string name = prefix + std::string{p.name()};
  // A table of another width is not resized, so that its own shape is in the message.
  if (const auto& shape = file.at(name).shape;
      shape.size() == 3 && (shape[2] != p.extents[2] || shape[1] == p.extents[1]))
    return;
  if (to == image_extent{}) to = {side_of(p.extents[1]), side_of(p.extents[1])};
  const std::size_t leading = p.extents[1] - to.height * to.width;
  std::string how = fit_class_position(file, prefix, name, leading == 1);
  const std::vector<std::size_t> before = file.at(name).shape;
  fit_positions(file, name, to, {}, position_resampling::bicubic, leading);
  if (before != file.at(name).shape) {
    const std::size_t side = side_of(before[1]);
    how += str_cat(how.empty() ? "" : ", ", "interpolated from ", side, " x ", side, " to ", to.height, " x ",
                   to.width, " positions");
  }
  if (!how.empty()) result.changed.emplace(p.name(), how);
}

/// LayerScale in the encoder alone becomes 1, and in the file alone it is multiplied into the weights before
/// it, so that the encoder computes what the file's does.
inline void fit_layer_scales(std::span<const parameter> encoder, safetensors& file, const std::string& prefix,
                             pretrained_weights& result) {
  static constexpr std::pair<const char*, const char*> scaled[]{{".ls1.gamma", ".attn.proj"},
                                                                {".ls2.gamma", ".mlp.fc2"},
                                                                {".gamma_1", ".attn.proj"},
                                                                {".gamma_2", ".mlp.fc2"}};
  std::set<std::string_view> own;
  for (const parameter& p : encoder) own.insert(p.name());
  for (const parameter& p : encoder)
    for (const auto& [scale, layer] : scaled) {
      const std::string name{p.name()}, weight = std::string{layer} + ".weight";
      if (name.ends_with(scale) && !file.tensors.contains(prefix + name)) {
        file.tensors[prefix + name] = safetensor::of<double>({p.size()}, std::vector<double>(p.size(), 1));
        result.changed.emplace(name, "1, because the file has none");
      }
      if (!name.ends_with(weight)) continue;
      const std::string block = name.substr(0, name.size() - weight.size());
      if (own.contains(block + scale) || !file.tensors.contains(prefix + block + scale)) continue;
      fold_layer_scale(file, prefix + block + scale, prefix + block + layer);
      for (const char* part : {".weight", ".bias"})
        result.changed.emplace(block + layer + part, "multiplied by the layer scale");
    }
}

}  // namespace detail

/// Reads the weights of a pretrained encoder with the names of torchvision, timm or MAE into an encoder's
/// flat buffer `value`. All names may begin with one prefix, whatever it is: "module.", "backbone.",
/// "_orig_mod.", "module.encoder_q." Of several encoders in one file the one is read whose prefix has no word
/// "k", "key", "momentum", "target", "ema" or "student": MoCo's query encoder, BYOL's online network, DINO's
/// teacher. Positions of another grid are interpolated to `grid`, by default a square; a LayerScale, as
/// DINOv2's, that the encoder lacks is multiplied into the weights before it. `fc_norm`, the norm after a
/// mean of tokens, may be missing, as in MAE's fine-tuning, and beside it the class token, as I-JEPA's
/// encoders lack it; so may registers and a LayerScale. Throws
/// std::runtime_error with the file and the tensor, and writes nothing, if another tensor is missing, has
/// another shape, or holds NaN or infinity, or if the file holds several encoders and none is preferred.
template <class W>
pretrained_weights read_pretrained(std::span<const parameter> encoder, safetensors file, W* value,
                                   image_extent grid = {}) {
  pretrained_weights result;
  std::vector<std::string_view> needed;
  for (const parameter& p : encoder)
    if (!detail::is_optional(encoder, p.name())) needed.push_back(p.name());
  detail::rename_vit_tensors(file);
  result.prefix = detail::prefix_of(needed, file);
  detail::fit_layer_scales(encoder, file, result.prefix, result);
  std::vector<parameter> wanted;
  for (const parameter& p : encoder) {
    const std::string name = result.prefix + std::string{p.name()};
    if (detail::is_optional(encoder, p.name()) && !file.tensors.contains(name)) {
      result.missing.emplace_back(p.name());
      continue;
    }
    if (p.name() == "pos_embed" && file.tensors.contains(name))
      detail::fit_pretrained_positions(p, file, result.prefix, grid, result);
    wanted.push_back(p);
  }
  auto loaded = read_torch_tensors<W>(wanted, file, result.prefix, value);
  result.tensors = loaded.tensors;
  result.unused = std::move(loaded.unused);
  return result;
}

}  // namespace pretext::inline v0_1
