// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/detail/preprocessed_batches.hpp>
#include <pretext/inference/encoder_model.hpp>
#include <pretext/inference/inference_options.hpp>

namespace pretext::inline v0_1 {

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
      : model_{&model}, batches_{model.preprocessing(), std::move(stream), max_batch} {
    expects(max_batch > 0, "inference_context: max_batch must be positive");
    batches_.context().constants = model.constants();
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
    features_.resize(images.size() * feature_size);
    batches_.for_each("encode", images,
                      [this](reads<Context, Images> inputs, std::size_t first) { infer(inputs, first); });
    return features_;
  }

  /// The features of N inputs (N, H, W, C) in the device's memory that are preprocessed already.
  std::span<const float> encode_tensor(reads<Context, Images> inputs) {
    features_.resize(inputs.batch * feature_size);
    batches_.for_each(inputs, [this](reads<Context, Images> some, std::size_t first) { infer(some, first); });
    return features_;
  }

  const model_type& model() const { return *model_; }

 private:
  /// Writes the features of at most `max_batch` inputs to rows `first` and following.
  void infer(reads<Context, Images> inputs, std::size_t first) {
    Context& context = batches_.context();
    const auto rows = std::span{features_}.subspan(first * feature_size, inputs.batch * feature_size);
    if constexpr (std::same_as<T, float> && !has_separate_memory<device>) {
      Encoder::infer(context, model_->weights(), inputs, writes<Context, feature>{rows.data(), inputs.batch});
    } else {
      const auto h = outputs_.resize(inputs.batch);
      Encoder::infer(context, model_->weights(), inputs, h);
      std::ranges::transform(on_host<device, T>(context.stream, h.data, h.size(), copied_), rows.begin(),
                             [](T value) { return static_cast<float>(value); });
    }
  }

  const model_type* model_;
  detail::preprocessed_batches<Images, Context> batches_;
  tensor<T, feature, device> outputs_;
  std::vector<T> copied_;
  std::vector<float> features_;
};

}  // namespace pretext::inline v0_1
