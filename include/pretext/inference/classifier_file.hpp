// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/class_names.hpp>
#include <pretext/inference/encoder_file.hpp>

// A classifier file is an encoder file with one more linear layer, with its name in torchvision or timm, and
// with the names of the classes in its metadata.
namespace pretext::inline v0_1 {

/// Is it a parameter of the classifier, by the names of torchvision's ResNets (fc) and MobileNetV3
/// (classifier.3, after an encoder's classifier.0), of timm's ViTs (head) and of timm's ConvNeXt (head.fc,
/// beside an encoder's head.norm)?
constexpr bool belongs_to_classifier(std::string_view name) {
  for (const std::string_view leaf : {".weight", ".bias"})
    if (name.ends_with(leaf)) {
      name.remove_suffix(leaf.size());
      return name == "fc" || name == "head" || name == "head.fc" || name == "classifier.3";
    }
  return false;
}

/// Writes an encoder and the classifier on its feature, whose weights are in host memory, `values` as `table`
/// describes them. Of the classifier, `fc`, `head`, `head.fc` or `classifier.3`, the first `classes` outputs
/// are written. `metadata` is written besides. Throws std::invalid_argument for more names than classes,
/// std::runtime_error if the file cannot be written.
template <class W>
void save_classifier(const std::filesystem::path& path, std::span<const parameter> table, const W* values,
                     std::size_t classes, std::span<const std::string> names,
                     const std::optional<encoder_info>& info,
                     std::map<std::string, std::string> metadata = {}) {
  expects(names.size() <= classes, path.string(), ": there are ", names.size(), " names for ", classes,
          " classes");
  std::vector<parameter> written{table.begin(), table.end()};
  for (parameter& p : written)
    if (belongs_to_classifier(p.name())) {
      expects(classes <= p.extents[0], path.string(), ": a classifier of ", p.extents[0],
              " outputs cannot be written with ", classes, " classes");
      p.extents[0] = classes;
    }
  safetensors file;
  file.metadata = std::move(metadata);
  file.metadata.insert({{"format", "pt"}, {"made_by", "pretext"}});
  if (info) write_encoder_info(*info, file);
  write_class_names(names, file);
  append_torch_tensors<W>(written, values, "", file);
  write_safetensors(path, file);
}

/// Writes the network of a `trainer` of a `classification`, with the names of its classes and the
/// preprocessing that inference shall use. `classifier_model` and PyTorch load the file.
template <class Trainer>
  requires requires { typename Trainer::method_type::classifier; }
void save_classifier(const std::filesystem::path& path, Trainer& trainer, std::span<const std::string> names,
                     const basic_preprocessing<channels_of<typename Trainer::images>>& how) {
  using method = typename Trainer::method_type;
  std::vector<typename Trainer::W> copy;
  const auto values = on_host<typename Trainer::device, typename Trainer::W>(
      trainer.context().stream, trainer.memory().value.data(), method::size, copy);
  save_classifier<typename Trainer::W>(path, method::parameters, values.data(), trainer.method().classes(),
                                       names,
                                       info_of<typename method::encoder, typename Trainer::images>(how));
}

}  // namespace pretext::inline v0_1
