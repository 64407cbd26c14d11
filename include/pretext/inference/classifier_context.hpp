// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/inference/classifier_model.hpp>
#include <pretext/inference/detail/preprocessed_batches.hpp>
#include <pretext/inference/inference_options.hpp>

namespace pretext::inline v0_1 {

/// The most probable class of an image.
struct predicted_class {
  std::size_t index;      ///< of the classifier's output
  std::string_view name;  ///< valid as long as the model
  float probability;      ///< in (0, 1]
};

/// Classifies images with a shared `classifier_model`. Holds a stream and the memory of the activations, so
/// it is for one thread at a time: give each thread its own. The model must outlive it. Calls allocate
/// nothing once the largest batch has been classified and each of the stream's threads has worked.
template <class Encoder, Shape Images, class Context>
class classifier_context {
  using T = typename Context::activation;
  using device = typename Context::device;
  using feature = output_of<Encoder, Images>;

 public:
  using model_type = classifier_model<Encoder, Images, Context>;

  explicit classifier_context(const classifier_model<Encoder, Images, Context>& model,
                              const inference_options& options = {}) requires
      std::constructible_from<typename device::stream, std::size_t>
      : classifier_context{model, typename device::stream{options.threads}, options.max_batch} {}
  /// On a stream that the caller has made.
  classifier_context(const classifier_model<Encoder, Images, Context>& model, typename device::stream stream,
                     std::size_t max_batch = 64)
      : model_{&model}, batches_{model.preprocessing(), std::move(stream), max_batch} {
    expects(max_batch > 0, "classifier_context: max_batch must be positive");
    batches_.context().constants = model.encoder().constants();
  }
  // A temporary model would be gone before the first call.
  explicit classifier_context(const model_type&&, const inference_options& = {}) = delete;
  classifier_context(const model_type&&, typename device::stream, std::size_t = 64) = delete;

  /// The most probable class of one image of any size and type of samples. Throws std::invalid_argument for
  /// an empty image or one of other channels than the encoder's (gray images become RGB).
  predicted_class classify(image_view image) {
    const auto all = probabilities(std::span{&image, 1});
    const auto best = std::ranges::max_element(all);
    const auto index = static_cast<std::size_t>(best - all.begin());
    return {index, model_->class_names()[index], *best};
  }

  /// The probabilities of the classes, the softmax of the logits: (N, classes) row-major, valid until the
  /// next call. The images may differ in size.
  std::span<const float> probabilities(std::span<const image_view> images) {
    logits(images);
    const std::size_t classes = model_->classes();
    for (std::size_t row = 0; row < images.size(); ++row) {
      const auto values = std::span{logits_}.subspan(row * classes, classes);
      const float largest = *std::ranges::max_element(values);
      float sum = 0;
      for (float& value : values) sum += value = std::exp(value - largest);
      for (float& value : values) value /= sum;
    }
    return logits_;
  }
  /// Those of one image.
  std::span<const float> probabilities(image_view image) { return probabilities(std::span{&image, 1}); }

  /// The outputs of the linear layer: (N, classes) row-major, valid until the next call.
  std::span<const float> logits(std::span<const image_view> images) {
    logits_.resize(images.size() * model_->classes());
    batches_.for_each("classify", images,
                      [this](reads<Context, Images> inputs, std::size_t first) { infer(inputs, first); });
    return logits_;
  }
  /// Those of one image.
  std::span<const float> logits(image_view image) { return logits(std::span{&image, 1}); }

  const model_type& model() const { return *model_; }

 private:
  /// Writes the logits of at most `max_batch` inputs to rows `first` and following.
  void infer(reads<Context, Images> inputs, std::size_t first) {
    Context& context = batches_.context();
    const std::size_t classes = model_->classes();
    const auto rows = std::span{logits_}.subspan(first * classes, inputs.batch * classes);
    const auto h = features_.resize(inputs.batch);
    Encoder::infer(context, model_->encoder().weights(), inputs, h);
    if constexpr (std::same_as<T, float> && !has_separate_memory<device>) {
      model_->infer_head(context, h, rows.data());
    } else {
      const arena_scope guard{context.workspace};
      T* const outputs = context.workspace.template allocate<T>(rows.size());
      model_->infer_head(context, h, outputs);
      std::ranges::transform(on_host<device, T>(context.stream, outputs, rows.size(), copied_), rows.begin(),
                             [](T value) { return static_cast<float>(value); });
    }
  }

  const model_type* model_;
  detail::preprocessed_batches<Images, Context> batches_;
  tensor<T, feature, device> features_;
  std::vector<T> copied_;
  std::vector<float> logits_;
};

}  // namespace pretext::inline v0_1
