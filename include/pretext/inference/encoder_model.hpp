// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/constant_weights.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/inference/encoder_file.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/layers/fold_norms.hpp>

// Weights are shared and constant, memory for activations is neither: so they are two classes. One model
// serves any number of threads, and each of them encodes through an `inference_context`.
namespace pretext::inline v0_1 {

/// A trained encoder: its weights and the preprocessing of its images. Constant after construction; any
/// number of threads may use one model at the same time, each through its own `inference_context`. `Encoder`
/// is any layer that accepts `Images`; its `infer` only reads weights.
template <class Encoder, Shape Images, class Context = on<cpu>>
class encoder_model {
  using W = typename Context::weight;
  using T = typename Context::activation;
  static_assert(ImageShape<Images>, "pretext::encoder_model: Images must be shape<rows, columns, channels>.");
  static_assert(Layer<Encoder, Images, Context>,
                "pretext::encoder_model: this Encoder is no layer that accepts images of this shape.");

 public:
  using encoder = Encoder;
  using images = Images;
  using context_type = Context;
  using device = typename Context::device;
  using feature = output_of<Encoder, Images>;
  using preprocessing_type = basic_preprocessing<channels_of<Images>>;
  static constexpr std::size_t feature_size = feature::size;  ///< D: values of the feature of one image

  /// Reads a file that `save_encoder` or a program wrote, with the preprocessing that it records. Throws
  /// std::runtime_error that names the file if it records none, was written for images of another size, or
  /// holds another encoder.
  explicit encoder_model(const std::filesystem::path& path) : encoder_model{read_safetensors(path)} {}
  /// Reads any file in torchvision's, timm's or MAE's names, and uses this preprocessing instead of the
  /// file's.
  encoder_model(const std::filesystem::path& path, const preprocessing_type& how)
      : encoder_model{read_safetensors(path), how} {}

  /// The same for a file that is in memory already.
  explicit encoder_model(const safetensors& file) : encoder_model{file, recorded_preprocessing(file)} {}
  encoder_model(const safetensors& file, const preprocessing_type& how) : preprocessing_{how} {
    detail::check_views(make_augmentation(how), {Images::extents[0], Images::extents[1]});
    std::vector<W> host(value_.size());
    const auto loaded = read_pretrained<W>(table, file, host.data(), detail::grid_of<Encoder, Images>());
    if (!loaded.missing.empty())
      throw_error<std::runtime_error>(
          file.origin, ": has no tensor \"", loaded.missing.front(),
          "\", which this encoder's feature needs; the file is of an encoder whose "
          "feature is its class token, or is to be fine-tuned first");
    fold_norms(table, host.data());
    Context context;
    device::write(context.stream, value_.data(), host.data(), host.size());
    if constexpr (!std::same_as<T, W>)
      kernels::elementwise<device>::copy(context, value_.size(), value_.data(), rounded_.data());
    if constexpr (!has_separate_memory<device> && std::same_as<T, W>)
      constants_ = std::make_unique<constant_weights>(value_.data(), value_.size() * sizeof(W));
    if constexpr (has_separate_memory<device>)  // later reads come from other streams
      device::read(context.stream, host.data(), value_.data(), host.size());
  }
  encoder_model(const encoder_model&) = delete;
  encoder_model& operator=(const encoder_model&) = delete;
  encoder_model(encoder_model&&) = default;

  const preprocessing_type& preprocessing() const { return preprocessing_; }
  /// Names, shapes and offsets of the weights.
  static std::span<const parameter> parameters() { return table; }
  /// The weights on the device, for `Encoder::infer`, which does not change them. Convolutions are multiplied
  /// by their batch norms (`fold_norms`).
  pretext::weights<Context> weights() const { return {value_.data(), nullptr, rounded_.data(), true}; }

  /// The same as memory that no call changes, for `on::constants`; null on a GPU.
  const constant_weights* constants() const { return constants_.get(); }

 private:
  static constexpr const auto& table = parameters_of<Encoder, Images>;
  static constexpr std::size_t rounded_count = std::same_as<T, W> ? 0 : weight_count<Encoder, Images>;

  static preprocessing_type recorded_preprocessing(const safetensors& file) {
    constexpr image_extent input{Images::extents[0], Images::extents[1]};
    constexpr std::size_t channels = channels_of<Images>;
    if (const auto info = read_encoder_info(file)) {
      if (info->input != input || info->channels != channels)
        throw_error<std::runtime_error>(
            file.origin, ": was written for images of ", info->input.height, " x ", info->input.width, " x ",
            info->channels, ", and this model takes ", input.height, " x ", input.width, " x ", channels,
            info->channels != channels ? "; give the model an image shape of as many channels"
                                       : "; pass a preprocessing to use the weights at another size");
      return preprocessing_for<channels>(*info);
    }
    if constexpr (channels == 3)
      if (const auto recipe = file.metadata.find("recipe"); recipe != file.metadata.end())
        if (const auto found = detail::preprocessing_of_recipe(recipe->second, input)) return *found;
    throw_error<std::runtime_error>(
        file.origin,
        ": does not record the preprocessing of its images; pass the one that the weights "
        "were trained with, such as imagenet_preprocessing()");
  }

  preprocessing_type preprocessing_;
  buffer<W, device> value_{weight_count<Encoder, Images>};
  std::unique_ptr<constant_weights> constants_;
  buffer<T, device> rounded_{rounded_count};  // the values once more, where activations are stored otherwise
};

}  // namespace pretext::inline v0_1
