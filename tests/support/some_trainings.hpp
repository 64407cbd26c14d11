#pragma once
// Trainers behind the type-erased interfaces of programs, on any device, and pictures for them.
#include "thin_trunk.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/memory_source.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/pretext.hpp>
#include <pretext/runtime/any_classifier.hpp>
#include <pretext/runtime/masked_trainer_adapter.hpp>

namespace pretext::tests {

using tiny_images = shape<8, 8, 3>;
using chosen_optimizer = any_optimizer<sgd, lars, adamw>;

/// Pictures with their sample indices and labels.
struct pictures {
  std::vector<image> all;
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples;
  std::vector<int> labels;

  explicit pictures(std::size_t count) : all(count) {
    const builtin_source source{{.count = count, .side = 12, .seed = 7}};
    for (std::size_t i = 0; i < count; ++i) {
      source.read(i, all[i]);
      views.push_back(all[i]);
      samples.push_back(3 * i);
      labels.push_back(static_cast<int>(i % 3));
    }
  }

  /// All of them as one batch.
  image_batch batch(std::uint64_t seed, std::uint32_t epoch) const {
    return {.epoch = epoch, .images = views, .samples = samples, .seed = seed};
  }
};

/// The first `count` pictures as a data set of three classes.
inline memory_source picture_source(std::size_t count) {
  const pictures source(count);
  std::vector<std::uint8_t> pixels;
  for (const image& each : source.all) pixels.insert(pixels.end(), each.pixels.begin(), each.pixels.end());
  return {std::move(pixels), 12, 12, 3, source.labels};
}

inline const augmentation one_view{random_resized_crop<>{}, horizontal_flip{}, normalise{}};
inline const augmentation evaluation{resized{}, normalise{}};

template <template <class, class, class> class Erased, class Learner>
struct erased_with {
  template <class Views, class... More>
  static auto make(std::unique_ptr<Learner> learner, const Views& views, const More&... more) {
    return std::make_unique<Erased<Learner, Views, std::decay_t<decltype(evaluation)>>>(
        std::move(learner), views, evaluation, more...);
  }
};
template <class Learner, class Views, class Evaluation>
using plain = trainer_adapter<Learner, Views, Evaluation>;

template <class Context>
std::unique_ptr<any_trainer> make_byol() {
  using method = byol<tiny_images, thin_trunk<basic_block, 4>, byol_head<9, 6>>;
  using learner = trainer<method, Context, chosen_optimizer>;
  return erased_with<plain, learner>::make(
      std::make_unique<learner>(method{}, chosen_optimizer{lars{.weight_decay = 1e-4}}, 3),
      two_views{one_view});
}

template <class Context>
std::unique_ptr<any_trainer> make_mae() {
  using method = mae<tiny_images, vit<2, 16, 2, 2>, mae_decoder<8, 2, 2>, random_masking<std::ratio<1, 2>>>;
  using learner = trainer<method, Context, chosen_optimizer>;
  return erased_with<masked_trainer_adapter, learner>::make(
      std::make_unique<learner>(method{}, chosen_optimizer{sgd{}}, 3), one_view);
}

template <class Context>
std::unique_ptr<any_classifier> make_classifier() {
  using method = classification<tiny_images, encoder<thin_trunk<basic_block, 4>>,
                                classifier<linear_classifier<5, torch_init>>>;
  using learner = trainer<method, Context, layer_decay<chosen_optimizer>>;
  const target_options targets{.mixing = {}, .smoothing = .1};
  return erased_with<classifier_adapter, learner>::make(
      std::make_unique<learner>(method{.loss = {.classes = 3}}, layer_decay<chosen_optimizer>{{sgd{}}, .75},
                                3),
      one_view, targets);
}

/// The contents of a checkpoint of it.
inline std::vector<std::vector<std::byte>> learned_bytes(any_trainer& trained) {
  std::vector<std::vector<std::byte>> all;
  trained.for_each_buffer([&](const saved_buffer& b) { b.read(all.emplace_back(b.bytes()).data()); });
  return all;
}

}  // namespace pretext::tests
