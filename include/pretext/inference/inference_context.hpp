#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/encoder_model.hpp>

namespace pretext::inline v0_1 {

/// How an `inference_context` runs on the CPU.
struct inference_options {
  std::size_t threads = 1;     ///< that share the work of one call
  std::size_t max_batch = 64;  ///< images that run through the encoder together; memory grows with it
};

/// Encodes images with a shared `encoder_model`. Holds a stream and the memory of the activations, so it is
/// for one thread at a time: give each thread its own. The model must outlive it. Calls allocate nothing once
/// the largest batch has been encoded and each of the stream's threads has worked; `max_batch` bounds the
/// memory.
template <class Encoder, Shape Images, class Context>
class inference_context {
  using T = typename Context::activation;
  using device = typename Context::device;
  using feature = output_of<Encoder, Images>;

 public:
  using model_type = encoder_model<Encoder, Images, Context>;
  static constexpr std::size_t feature_size = feature::size;  ///< D: values of the feature of one image

  explicit inference_context(const encoder_model<Encoder, Images, Context>& model,
                             const inference_options& options = {}) requires
      std::constructible_from<typename device::stream, std::size_t>
      : inference_context{model, typename device::stream{options.threads}, options.max_batch} {}
  /// On a stream that the caller has made.
  inference_context(const encoder_model<Encoder, Images, Context>& model, typename device::stream stream,
                    std::size_t max_batch = 64)
      : model_{&model},
        max_batch_{max_batch},
        context_{.stream = std::move(stream)},
        samples_(max_batch),
        pipeline_{make_augmentation(model.preprocessing())} {
    expects(max_batch > 0, "inference_context: max_batch must be positive");
  }
  // A temporary model would be gone before the first call.
  explicit inference_context(const model_type&&, const inference_options& = {}) = delete;
  inference_context(const model_type&&, typename device::stream, std::size_t = 64) = delete;

  /// The feature h of one image of any size and type of samples, which has the encoder's channels, or one
  /// (gray) for an encoder of RGB: D values, valid until the next call. Throws std::invalid_argument for an
  /// empty image or another number of channels.
  std::span<const float> encode(image_view image) { return encode(std::span{&image, 1}); }

  /// The features of N images, (N, D) row-major, valid until the next call. The images may differ in size.
  std::span<const float> encode(std::span<const image_view> images) {
    check(images);
    features_.resize(images.size() * feature_size);
    for (std::size_t first = 0; first < images.size(); first += max_batch_) {
      const auto some = with_levels(images.subspan(first, std::min(max_batch_, images.size() - first)));
      const auto inputs = inputs_.resize(some.size());
      augment(context_, pipeline_, some, std::span<const std::uint64_t>{samples_}.first(some.size()), 0, 0,
              inputs);
      infer(inputs, first);
    }
    return features_;
  }

  /// The features of N inputs (N, H, W, C) in the device's memory that are preprocessed already.
  std::span<const float> encode_tensor(reads<Context, Images> inputs) {
    features_.resize(inputs.batch * feature_size);
    for (std::size_t first = 0; first < inputs.batch; first += max_batch_)
      infer(inputs.part(first, std::min(max_batch_, inputs.batch - first)), first);
    return features_;
  }

  const model_type& model() const { return *model_; }

 private:
  static void check(std::span<const image_view> images) {
    for (std::size_t i = 0; i < images.size(); ++i) {
      const image_view& image = images[i];
      expects(image.pixels && image.height > 0 && image.width > 0, "encode: image ", i, " of ", images.size(),
              " is empty: it has ", image.height, " x ", image.width, " pixels");
      detail::check_channels<Images>(image.channels, "encode: image ", i, " of ", images.size(), " has ");
    }
  }

  /// The images with the range that the preprocessing's levels give those without one of their own.
  std::span<const image_view> with_levels(std::span<const image_view> images) {
    const sample_levels& levels = model_->preprocessing().levels;
    if (levels.rule == level_rule::whole_type) return images;
    views_.assign(images.begin(), images.end());
    for (image_view& view : views_)
      if (view.range.low == view.range.high) view.range = range_of(view, levels);
    return views_;
  }

  /// Writes the features of at most `max_batch_` inputs to rows `first` and following.
  void infer(reads<Context, Images> inputs, std::size_t first) {
    const auto rows = std::span{features_}.subspan(first * feature_size, inputs.batch * feature_size);
    if constexpr (std::same_as<T, float> && !has_separate_memory<device>) {
      Encoder::infer(context_, model_->weights(), inputs,
                     writes<Context, feature>{rows.data(), inputs.batch});
    } else {
      const auto h = outputs_.resize(inputs.batch);
      Encoder::infer(context_, model_->weights(), inputs, h);
      std::ranges::transform(on_host<device, T>(context_.stream, h.data, h.size(), copied_), rows.begin(),
                             [](T value) { return static_cast<float>(value); });
    }
  }

  const model_type* model_;
  std::size_t max_batch_;
  Context context_;
  std::vector<std::uint64_t> samples_;  // that preprocessing draws no numbers for
  decltype(make_augmentation(std::declval<const model_type&>().preprocessing())) pipeline_;
  std::vector<image_view> views_;
  tensor<T, Images, device> inputs_;
  tensor<T, feature, device> outputs_;
  std::vector<T> copied_;
  std::vector<float> features_;
};

}  // namespace pretext::inline v0_1
