// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <pretext/augment/batch_mix.hpp>
#include <pretext/augment/batch_mixing.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/training/target_options.hpp>

namespace pretext::inline v0_1 {

/// A supervised training that is chosen at run time: it learns the labels of its samples and classifies
/// images.
class any_classifier : public any_trainer {
 public:
  /// Appends the logits of each image in inference mode to `logits`: (n, classes) row-major.
  virtual void predict(std::span<const image_view> images, std::vector<float>& logits) = 0;
  virtual std::size_t classes() const = 0;
};

/// A trainer of a `classification` behind `any_classifier`, its views, and how a batch is mixed.
template <class Trainer, class Views, class Evaluation>
class classifier_adapter final : public trainer_adapter<Trainer, Views, Evaluation, any_classifier> {
  using base = trainer_adapter<Trainer, Views, Evaluation, any_classifier>;
  using typename base::images_shape, typename base::method, typename base::context_type;
  using prediction = typename method::embedding;

 public:
  classifier_adapter(std::unique_ptr<Trainer> trainer, Views views, Evaluation evaluation,
                     target_options targets)
      : base{std::move(trainer), std::move(views), std::move(evaluation)}, targets_{targets} {
    targets_.check();
  }

  void set_labels(std::vector<int> of_samples) override { labels_ = std::move(of_samples); }

  void predict(std::span<const image_view> images, std::vector<float>& logits) override {
    this->for_each_view(images, [&](reads<context_type, images_shape> views) {
      const auto outputs = outputs_.resize(views.batch);
      method::predict(this->trainer().context(), this->trainer().memory(), views, outputs);
      const auto values =
          floats_on_host(this->trainer().context(), reads<context_type, prediction>{outputs}, host_copy_);
      for (std::size_t i = 0; i < outputs.batch; ++i) {
        const auto row = values.subspan(i * prediction::size, classes());
        logits.insert(logits.end(), row.begin(), row.end());
      }
    });
  }

  std::size_t classes() const override { return this->trainer().method().classes(); }

 private:
  /// Mixes the batch and writes its soft targets. The mix is keyed by the batch's first sample, hence by the
  /// batch.
  void prepare(const sample_keys& keys, writes<context_type, images_shape> batch) override {
    auto& context = this->trainer().context();
    batch_labels_.clear();
    for (const std::uint64_t sample : std::span{keys.samples, keys.count}) {
      expects(sample < labels_.size(), "a classifier has ", labels_.size(),
              " labels, and a batch has sample ", sample, "; call set_labels with one label for every image");
      batch_labels_.push_back(labels_[sample]);
    }
    const batch_mix mix_of_batch =
        targets_.mixing.choose(keys(0), {images_shape::extents[0], images_shape::extents[1]});
    mix(context, mix_of_batch, batch);
    mixed_targets(context, mix_of_batch, batch_labels_, targets_.smoothing,
                  this->trainer().memory().soft_targets.resize(keys.count), classes());
  }

  /// The device reads the labels that are stored with the images, so they must be those of `set_labels`.
  void prepare(const any_source& images, device_batch_options& options) override {
    expects(labels_.size() == images.size(), "a classifier has ", labels_.size(), " labels for ",
            images.size(), " uploaded images; call set_labels with one label for every image");
    for (std::size_t i = 0; i < labels_.size(); ++i)
      expects(labels_[i] == images.label(i), "set_labels has the label ", labels_[i], " for ", images.name(i),
              ", but the data set has ", images.label(i));
    options.targets = targets_;
  }

  target_options targets_;
  std::vector<int> labels_, batch_labels_;
  tensor<typename context_type::activation, prediction, typename context_type::device> outputs_;
  std::vector<float> host_copy_;
};

}  // namespace pretext::inline v0_1
