// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/reconstructor.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A pixel value is its prediction · deviation + mean.
struct patch_scale {
  double mean = 0, deviation = 1;
};

/// What normalised targets remove from a patch whose values are at these offsets: their mean and √(v + 1e-6),
/// v the unbiased variance.
inline patch_scale scale_of(const float* image, std::span<const std::size_t> offsets) {
  const auto count = static_cast<double>(offsets.size());
  double sum = 0, squares = 0;
  for (const std::size_t offset : offsets) sum += static_cast<double>(image[offset]);
  const double mean = sum / count;
  for (const std::size_t offset : offsets) squares += std::pow(static_cast<double>(image[offset]) - mean, 2);
  return {mean, std::sqrt(squares / (count - 1) + 1e-6)};
}

}  // namespace detail

/// A trainer of a `masked_modeling` behind `any_trainer`; it can show its predictions (`reconstructor`).
template <class Trainer, class Views, class Evaluation>
class masked_trainer_adapter final : public trainer_adapter<Trainer, Views, Evaluation>,
                                     public reconstructor {
  using base = trainer_adapter<Trainer, Views, Evaluation>;
  using typename base::images_shape, typename base::method, typename base::context_type;
  using patches = typename method::reconstruction;
  using grid = typename method::grid;

 public:
  using base::base;

  pretext::reconstructor* reconstructor() override { return this; }

  reconstructions reconstruct(const image_batch& batch) override {
    reconstructions result;
    this->for_each_view(batch.images, [&](reads<context_type, images_shape> views) {
      const std::size_t first = result.images.size() / images_shape::size;
      auto& trainer = this->trainer();
      const auto predicted = predicted_.resize(views.batch);
      const auto keys = trainer.keys_of(batch.samples.subspan(first, views.batch), batch.seed, batch.epoch);
      trainer.method().reconstruct(trainer.context(), trainer.memory(), views, {.keys = keys}, predicted);
      const auto& context = trainer.context();
      const auto& masks = trainer.memory().masked;
      std::vector<float> views_copy, predicted_copy;
      std::vector<std::uint32_t> restore_copy;
      append(floats_on_host(context, views, views_copy),
             floats_on_host(context, reads<context_type, patches>{predicted}, predicted_copy),
             on_host<typename context_type::device>(context.stream, masks.restore,
                                                    views.batch * grid::patches, restore_copy),
             trainer.method().loss.normalise, result);
    });
    return result;
  }

 private:
  static void append(std::span<const float> views, std::span<const float> predicted,
                     std::span<const std::uint32_t> restore, bool normalised, reconstructions& to) {
    constexpr std::size_t channels = channels_of<images_shape>, width = images_shape::extents[1];
    const std::size_t first = to.images.size();
    to.images.insert(to.images.end(), views.begin(), views.end());
    to.predicted.resize(to.images.size());
    to.masked.resize(to.images.size() / channels);
    std::vector<std::size_t> offset(grid::patch_dim);  // of each value of a patch in the views
    for (std::size_t n = 0; n < views.size() / images_shape::size; ++n)
      for (std::size_t patch = 0; patch < grid::patches; ++patch) {
        const std::size_t row = patch / grid::columns * grid::patch,
                          column = patch % grid::columns * grid::patch;
        for (std::size_t i = 0; i < grid::patch_dim; ++i) {
          const std::size_t line = row + i / (grid::patch * channels), along = i % (grid::patch * channels);
          offset[i] = n * images_shape::size + (line * width + column) * channels + along;
        }
        const auto scale = normalised ? detail::scale_of(views.data(), offset) : detail::patch_scale{};
        const float* values = predicted.data() + (n * grid::patches + patch) * grid::patch_dim;
        const bool masked = restore[n * grid::patches + patch] >= method::mask::visible;
        for (std::size_t i = 0; i < grid::patch_dim; ++i) {
          to.predicted[first + offset[i]] =
              static_cast<float>(static_cast<double>(values[i]) * scale.deviation + scale.mean);
          to.masked[(first + offset[i]) / channels] = masked;
        }
      }
  }

  tensor<typename context_type::activation, patches, typename context_type::device> predicted_;
};

}  // namespace pretext::inline v0_1
