// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/encoder_metadata.hpp>
#include <pretext/io/load_encoder.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/io/torch_weights.hpp>

// An encoder file is a safetensors file that PyTorch can load: the encoder's tensors in torchvision's or
// timm's names and layouts, without a prefix. Its metadata records the preprocessing that the weights were
// evaluated with, because features computed with another normalisation are silently worse.
namespace pretext::inline v0_1 {

/// What a file records of an encoder for images of shape `Images`.
template <class Encoder, Shape Images>
  requires ImageShape<Images> encoder_info info_of(const basic_preprocessing<channels_of<Images>>& from) {
    constexpr std::size_t channels = channels_of<Images>;
    encoder_info info{.input = {Images::extents[0], Images::extents[1]},
                      .channels = channels,
                      .features = output_of<Encoder, Images>::size,
                      .preprocessing = {},
                      .mean = {},
                      .deviation = {}};
    if constexpr (channels == 3) {
      info.preprocessing = from;
    } else {
      preprocessing& how = info.preprocessing;
      how.fit = from.fit;
      how.proportion = from.proportion;
      how.round_down = from.round_down;
      how.shorter_side = from.shorter_side;
      how.method = from.method;
      how.levels = from.levels;
      const auto& [mean, deviation] = from.normalisation;
      info.mean.assign(mean.channel, mean.channel + channels);
      info.deviation.assign(deviation.channel, deviation.channel + channels);
    }
    return info;
  }

/// The file of an encoder whose weights are in host memory, `values` as `table` describes them. `steps`
/// becomes batch norm's `num_batches_tracked`; `metadata` is added.
template <class W>
safetensors encoder_file(std::span<const parameter> table, const W* values,
                         const std::optional<encoder_info>& info, std::int64_t steps = 0,
                         std::map<std::string, std::string> metadata = {}) {
  safetensors file;
  file.origin = "the encoder in memory";
  file.metadata = std::move(metadata);
  file.metadata.insert({{"format", "pt"}, {"made_by", "pretext"}});
  if (info) write_encoder_info(*info, file);
  append_torch_tensors<W>(table, values, "", file, steps);
  return file;
}

/// Writes such a file, which is either the old one or the new one, never a part. Throws std::runtime_error if
/// it cannot be written.
template <class W>
void save_encoder(const std::filesystem::path& path, std::span<const parameter> table, const W* values,
                  const std::optional<encoder_info>& info, std::int64_t steps = 0,
                  std::map<std::string, std::string> metadata = {}) {
  write_safetensors(path, encoder_file<W>(table, values, info, steps, std::move(metadata)));
}

/// The file of the encoder of a `trainer` in memory, with the preprocessing that inference shall use: that of
/// the images the encoder was trained on, without random augmentation. `encoder_model{encoder_file(trainer,
/// how)}` is a copy for inference, which the trainer's next steps do not change.
template <class Trainer>
  requires requires { typename Trainer::method_type::encoder; }
safetensors encoder_file(Trainer& trainer,
                         const basic_preprocessing<channels_of<typename Trainer::images>>& how,
                         std::int64_t steps = 0) {
  using encoder = typename Trainer::method_type::encoder;
  using images = typename Trainer::images;
  constexpr const auto& table = parameters_of<encoder, images>;  // the method's parameters begin with these
  std::vector<typename Trainer::W> copy;
  const auto values = on_host<typename Trainer::device, typename Trainer::W>(
      trainer.context().stream, trainer.memory().value.data(), parameter_count(table), copy);
  return encoder_file<typename Trainer::W>(table, values.data(), info_of<encoder, images>(how), steps);
}

/// Writes the encoder of a `trainer` in the same way. `encoder_model` and PyTorch load the file.
template <class Trainer>
  requires requires { typename Trainer::method_type::encoder; }
void save_encoder(const std::filesystem::path& path, Trainer& trainer,
                  const basic_preprocessing<channels_of<typename Trainer::images>>& how,
                  std::int64_t steps = 0) {
  write_safetensors(path, encoder_file(trainer, how, steps));
}

/// Reads an encoder file, or one in torchvision's, timm's or MAE's names (see `read_pretrained`), into the
/// encoder of a `trainer`: the start of another training or of fine-tuning. A target network gets the same
/// weights; heads keep theirs. Throws std::runtime_error that names the file and the tensor if one is missing
/// or of another shape.
template <class Trainer>
  requires requires { typename Trainer::method_type::encoder; }
pretrained_weights load_encoder(const std::filesystem::path& path, Trainer& trainer) {
  using device = typename Trainer::device;
  using W = typename Trainer::W;
  using images = typename Trainer::images;
  constexpr const auto& table = parameters_of<typename Trainer::method_type::encoder, images>;
  constexpr std::size_t count = parameter_count(table);
  const auto& stream = trainer.context().stream;
  std::vector<W> values(count);
  device::read(stream, values.data(), trainer.memory().value.data(), count);
  pretrained_weights loaded =
      read_pretrained<W>(table, read_safetensors(path), values.data(),
                         detail::grid_of<typename Trainer::method_type::encoder, images>());
  device::write(stream, trainer.memory().value.data(), values.data(), count);
  if constexpr (Trainer::method_type::has_target)
    device::write(stream, trainer.memory().target_values.data(), values.data(), count);
  return loaded;
}

}  // namespace pretext::inline v0_1
