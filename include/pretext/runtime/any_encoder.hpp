// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/concepts.hpp>
#include <pretext/core/image.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/encoder_file.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/training/initialise.hpp>

namespace pretext::inline v0_1 {

/// An encoder that is chosen at run time, on any device: its weights, its evaluation augmentation, and the
/// feature h in inference mode. All arguments and results are in host memory. Encoding uses memory of the
/// object, so one object is for one thread at a time; threads that share weights use an `encoder_model`
/// instead.
class any_encoder {
 public:
  virtual ~any_encoder() = default;

  /// Appends the feature h of each image to `features`: (n, D) row-major.
  virtual void encode(std::span<const image_view> images, std::vector<float>& features) = 0;
  /// Appends the evaluation view of each image, which is what `encode` sees, to `views`: (n, H, W, C).
  virtual void evaluation_views(std::span<const image_view> images, std::vector<float>& views) = 0;

  /// D: values of the feature of one image.
  virtual std::size_t feature_width() const = 0;
  /// Rows and columns of the encoder's input.
  virtual std::pair<std::size_t, std::size_t> input_size() const = 0;
  /// C: channels of the encoder's input.
  virtual std::size_t channels() const = 0;
  /// What `save_encoder` records about this encoder; nothing where a `preprocessing` cannot describe the
  /// evaluation augmentation.
  virtual std::optional<encoder_info> info() const = 0;
  /// The encoder's parameters: names, shapes, and offsets in the flat buffer.
  virtual std::span<const parameter> encoder_parameters() const = 0;
  /// Calls `use(values)` with the flat buffer that the parameters describe: the buffer itself where the
  /// device works in host memory, else a copy. The pointer is valid during the call.
  virtual void read_values(const std::function<void(const float*)>& use) const = 0;
  /// Calls `change(values)` in the same way; the device has the changed values afterwards.
  virtual void change_values(const std::function<void(float*)>& change) = 0;
};

/// The file of the encoder in memory, as `encoder_file` of a trainer; `metadata` is added. Where the
/// evaluation augmentation has no description, it records no preprocessing.
inline safetensors encoder_file(const any_encoder& encoder, std::int64_t steps = 0,
                                std::map<std::string, std::string> metadata = {}) {
  safetensors file;
  encoder.read_values([&](const float* values) {
    file =
        encoder_file<float>(encoder.encoder_parameters(), values, encoder.info(), steps, std::move(metadata));
  });
  return file;
}
/// Writes that file, as `save_encoder` of a trainer does.
inline void save_encoder(const std::filesystem::path& path, const any_encoder& encoder,
                         std::int64_t steps = 0, std::map<std::string, std::string> metadata = {}) {
  write_safetensors(path, encoder_file(encoder, steps, std::move(metadata)));
}

/// Reads an encoder file, or one in torchvision's, timm's or MAE's names (see `read_pretrained`), into an
/// encoder.
inline pretrained_weights load_encoder(safetensors file, any_encoder& encoder) {
  pretrained_weights loaded;
  encoder.change_values([&](float* values) {
    loaded = read_pretrained<float>(encoder.encoder_parameters(), std::move(file), values);
  });
  return loaded;
}
inline pretrained_weights load_encoder(const std::filesystem::path& path, any_encoder& encoder) {
  return load_encoder(read_safetensors(path), encoder);
}

namespace detail {

/// Calls `use(views)` with the evaluation views of at most 256 images at a time, so that memory stays bounded
/// for any number of images. `batch` holds the views.
template <class Context, Shape Images, class Evaluation, class Use>
void for_each_view(Context& context, const Evaluation& evaluation,
                   tensor<typename Context::activation, Images, typename Context::device>& batch,
                   std::span<const image_view> images, const Use& use) {
  constexpr std::size_t max_batch = 256;
  const std::vector<std::uint64_t> samples(max_batch);
  for (std::size_t first = 0; first < images.size(); first += max_batch) {
    const std::size_t count = std::min(max_batch, images.size() - first);
    const auto views = batch.resize(count);
    augment(context, evaluation, images.subspan(first, count), std::span{samples}.first(count), 0, 0, views);
    use(reads<Context, Images>{views});
  }
}

/// What a file records about an encoder that is evaluated on this augmentation.
template <class Encoder, Shape Images, class Evaluation>
std::optional<encoder_info> evaluation_info(const Evaluation& evaluation) {
  if constexpr (PreprocessingAugmentation<Evaluation>)
    return info_of<Encoder, Images>(preprocessing_of<channels_of<Images>>(evaluation));
  else
    return std::nullopt;
}

}  // namespace detail

/// An encoder without a trainer. Its weights start as those of the encoder of a trainer with the same seed.
template <class Encoder, Shape Images, class Context, class Evaluation>
class encoder_adapter final : public any_encoder {
  using T = typename Context::activation;
  using device = typename Context::device;
  using feature = output_of<Encoder, Images>;
  static constexpr auto table = parameters_of<Encoder, Images>;

 public:
  encoder_adapter(Evaluation evaluation, std::uint64_t seed, typename device::stream stream = {})
      : evaluation_{std::move(evaluation)} {
    context_.stream = std::move(stream);
    change_values([&](float* values) { initialise<float>(table, seed, values); });
  }

  void encode(std::span<const image_view> images, std::vector<float>& features) override {
    detail::for_each_view(context_, evaluation_, batch_, images, [&](reads<Context, Images> views) {
      const auto h = feature_.resize(views.batch);
      infer_network<Encoder>(context_, value_.data(), views, h);
      const auto values = floats_on_host(context_, reads<Context, feature>{h}, host_copy_);
      features.insert(features.end(), values.begin(), values.end());
    });
  }
  void evaluation_views(std::span<const image_view> images, std::vector<float>& all) override {
    detail::for_each_view(context_, evaluation_, batch_, images, [&](reads<Context, Images> views) {
      const auto values = floats_on_host(context_, views, host_copy_);
      all.insert(all.end(), values.begin(), values.end());
    });
  }
  std::size_t feature_width() const override { return feature::size; }
  std::pair<std::size_t, std::size_t> input_size() const override {
    return {Images::extents[0], Images::extents[1]};
  }
  std::size_t channels() const override { return channels_of<Images>; }
  std::optional<encoder_info> info() const override {
    return detail::evaluation_info<Encoder, Images>(evaluation_);
  }
  std::span<const parameter> encoder_parameters() const override { return table; }
  void read_values(const std::function<void(const float*)>& use) const override {
    std::vector<float> copy;
    use(on_host<device, float>(context_.stream, value_.data(), value_.size(), copy).data());
  }
  void change_values(const std::function<void(float*)>& change) override {
    change_on_host<device>(context_.stream, value_.data(), value_.size(), change);
  }

 private:
  Context context_{};
  Evaluation evaluation_;
  buffer<typename Context::weight, device> value_{weight_count<Encoder, Images>};
  tensor<T, Images, device> batch_;
  tensor<T, feature, device> feature_;
  std::vector<float> host_copy_;
};

}  // namespace pretext::inline v0_1
