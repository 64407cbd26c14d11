#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/runtime/any_trainer.hpp>

namespace pretext {

/// What a masked method makes of some images, as the network sees them.
struct reconstructions {
  std::vector<float> images, predicted;  ///< (n, H, W, 3); every patch is predicted, hidden or visible
  std::vector<bool> masked;              ///< (n, H, W)
};

/// A masked training chosen at run time: it can show what it predicts.
class any_masked_trainer : public any_trainer {
 public:
  /// Predicts the evaluation view of each image with the masks that its sample has in an epoch.
  virtual reconstructions reconstruct(std::span<const image_view> images,
                                      std::span<const std::uint64_t> samples, std::uint64_t seed,
                                      std::uint32_t epoch) = 0;
};

namespace detail {

/// A number of a patch is its prediction·deviation + mean.
struct patch_scale {
  double mean = 0, deviation = 1;
};

/// What norm-pix took away from a patch whose numbers are at `offset`: their mean and √(v + 1e-6), v
/// unbiased.
inline patch_scale scale_of(const float* image, std::span<const std::size_t> offset) {
  const auto numbers = static_cast<double>(offset.size());
  double sum = 0, squares = 0;
  for (const std::size_t at : offset) sum += static_cast<double>(image[at]);
  const double mean = sum / numbers;
  for (const std::size_t at : offset) squares += std::pow(static_cast<double>(image[at]) - mean, 2);
  return {mean, std::sqrt(squares / (numbers - 1) + 1e-6)};
}

}  // namespace detail

/// A trainer of a `masked_modeling`, the views it learns from and the view that it is evaluated on.
template <class Trainer, class Views, class Evaluation>
class masked_trainer_adapter final : public trainer_adapter<Trainer, Views, Evaluation, any_masked_trainer> {
  using base = trainer_adapter<Trainer, Views, Evaluation, any_masked_trainer>;
  using typename base::images_shape, typename base::method, typename base::context_type;
  using patches = typename method::reconstruction;
  using grid = typename method::grid;

 public:
  using base::base;

  reconstructions reconstruct(std::span<const image_view> images, std::span<const std::uint64_t> samples,
                              std::uint64_t seed, std::uint32_t epoch) override {
    reconstructions made;
    this->for_each_view(images, [&](reads<context_type, images_shape> views) {
      const std::size_t first = made.images.size() / images_shape::size;
      auto& learner = this->trainer();
      const auto predicted = predicted_.resize(views.batch);
      const auto keys = learner.keys_of(samples.subspan(first, views.batch), seed, epoch);
      learner.method().reconstruct(learner.context(), learner.memory(), views, {.keys = keys}, predicted);
      const auto& context = learner.context();
      const auto& masks = learner.memory().masked;
      std::vector<float> seen, drawn;
      std::vector<std::uint32_t> restore;
      append(floats_on_host(context, views, seen),
             floats_on_host(context, reads<context_type, patches>{predicted}, drawn),
             on_host<typename context_type::device>(context.stream, masks.restore,
                                                    views.batch * grid::patches, restore),
             learner.method().loss.normalise, made);
    });
    return made;
  }

 private:
  static void append(std::span<const float> views, std::span<const float> predicted,
                     std::span<const std::uint32_t> restore, bool normalised, reconstructions& to) {
    constexpr std::size_t channels = channels_of<images_shape>, width = images_shape::extents[1];
    const std::size_t first = to.images.size();
    to.images.insert(to.images.end(), views.begin(), views.end());
    to.predicted.resize(to.images.size());
    to.masked.resize(to.images.size() / channels);
    std::vector<std::size_t> offset(grid::patch_dim);
    for (std::size_t n = 0; n < views.size() / images_shape::size; ++n)
      for (std::size_t patch = 0; patch < grid::patches; ++patch) {
        const std::size_t row = patch / grid::columns * grid::patch,
                          column = patch % grid::columns * grid::patch;
        for (std::size_t i = 0; i < grid::patch_dim; ++i) {
          const std::size_t line = row + i / (grid::patch * channels), along = i % (grid::patch * channels);
          offset[i] = n * images_shape::size + (line * width + column) * channels + along;
        }
        const auto scale = normalised ? detail::scale_of(views.data(), offset) : detail::patch_scale{};
        const float* numbers = predicted.data() + (n * grid::patches + patch) * grid::patch_dim;
        const bool masked = restore[n * grid::patches + patch] >= method::mask::visible;
        for (std::size_t i = 0; i < grid::patch_dim; ++i) {
          to.predicted[first + offset[i]] =
              static_cast<float>(static_cast<double>(numbers[i]) * scale.deviation + scale.mean);
          to.masked[(first + offset[i]) / channels] = masked;
        }
      }
  }

  tensor<typename context_type::activation, patches, typename context_type::device> predicted_;
};

}  // namespace pretext
