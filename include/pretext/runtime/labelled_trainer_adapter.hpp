// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/runtime/any_trainer.hpp>

namespace pretext::inline v0_1 {

/// A trainer of a method whose loss compares labels, `supcon`, behind `any_trainer`. A batch with a sample
/// that has no label is refused with std::invalid_argument.
template <class Trainer, class Views, class Evaluation>
class labelled_trainer_adapter final : public trainer_adapter<Trainer, Views, Evaluation> {
  using base = trainer_adapter<Trainer, Views, Evaluation>;
  using typename base::images_shape, typename base::context_type, typename base::device;

 public:
  using base::base;

  void set_labels(std::vector<int> of_samples) override { labels_ = std::move(of_samples); }
  std::string upload_dataset(const any_source&, const loader_options&) override {
    return "the method learns labels, which the CPU passes with every batch";
  }

 private:
  using base::prepare;

  void prepare(const sample_keys& keys, writes<context_type, images_shape>) override {
    batch_labels_.clear();
    for (const std::uint64_t sample : std::span{keys.samples, keys.count}) {
      expects(sample < labels_.size() && labels_[sample] >= 0, "a batch has sample ", sample,
              ", which has no label among ", labels_.size(),
              "; call set_labels with the class of every image");
      batch_labels_.push_back(labels_[sample]);
    }
    auto& of_batch = this->trainer().memory().labels;
    if (of_batch.size() != keys.count) of_batch = buffer<std::int64_t, device>{keys.count};
    device::write(this->stream(), of_batch.data(), batch_labels_.data(), keys.count);
  }

  std::vector<int> labels_;
  std::vector<std::int64_t> batch_labels_;
};

}  // namespace pretext::inline v0_1
