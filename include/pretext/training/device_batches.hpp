// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

#include <pretext/augment/batch_mixing.hpp>
#include <pretext/augment/views.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/data/batch_order.hpp>
#include <pretext/data/loader_options.hpp>
#include <pretext/kernels/batch_mix.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/training/batches.hpp>
#include <pretext/training/device_dataset.hpp>
#include <pretext/training/target_options.hpp>

namespace pretext::inline v0_1 {

/// The samples of the batches and, for a classifier, how their soft targets are computed.
struct device_batch_options {
  std::size_t batch = 256;
  std::uint64_t seed = 1;  ///< of the order, the views and the random choices of networks
  bool shuffle = true;
  target_options targets{};           ///< of a classifier
  block_shape blocks{};               ///< of the source of the images, so that the order is the loader's
  std::size_t shard = 0, shards = 1;  ///< make only this one of the equal parts of every batch, in order
};

/// Batches of a step queue that a device makes without the host, from a data set in its memory. They are
/// those of a `loader` with the same seed: the same samples in the same order, in whole batches, and the
/// views of `augment`; a classifier's soft targets come from the images' labels.
template <class Context, class Images, class Views>
class device_batches {
  using groups = detail::view_groups<Images, Views::views>;

 public:
  using device = typename Context::device;

  /// Stores a pointer to the data set, which must outlive the batches. Throws std::invalid_argument if its
  /// images do not fill one batch, or a batch cannot be cut into the shards.
  device_batches(const device_dataset<device>& images, Views views, device_batch_options options = {});

  std::size_t images() const { return options_.batch / options_.shards; }
  /// Puts the work that makes the step's batch on the stream.
  template <class Trainer>
  keyed_views<Context, Images> operator()(Trainer& trainer, const step_state* now);

  /// The indices of the last batch's samples, in the device's memory.
  const std::uint64_t* samples() const { return samples_.data(); }

 private:
  static std::size_t images_of_shard(const device_batch_options& options) {
    loader_options{.batch = options.batch, .shard = options.shard, .shards = options.shards}.check();
    return options.batch / options.shards;
  }

  /// Mixes the batch and writes its soft targets.
  template <class Target>
  void label(Context& context, const sample_keys& keys, std::size_t classes, Target& soft_targets);

  const device_dataset<device>* dataset_;
  Views views_;
  device_batch_options options_;
  batch_order order_;
  buffer<std::uint64_t, device> samples_;
  buffer<std::uint32_t, device> epoch_{1};
  buffer<int, device> labels_;
  buffer<batch_mix, device> mix_{1};
  typename groups::template owned<Context> batch_;
  typename groups::template to_write<Context> views_of_batch_;
};

namespace detail {

struct choose_samples {
  batch_order order;
  const step_state* now;
  std::uint64_t* samples;
  std::uint32_t* epoch;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { choose(i, i); }
  /// The sample at a position of the batch.
  PRETEXT_HOST_DEVICE void choose(std::size_t i, std::size_t position) const {
    const std::uint64_t batches = order.batches_per_epoch();
    const auto current = static_cast<std::uint32_t>(now->number / batches);
    samples[i] = order.sample(current, now->number % batches * order.batch + position);
    if (i == 0) *epoch = current;
  }
};

/// The samples of a shard, which begins at a position of the batch.
struct choose_samples_of_shard {
  choose_samples of;
  std::size_t first;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { of.choose(i, first + i); }
};

/// Looks up the labels of a batch and draws how it is mixed.
struct label_samples {
  const int* labels;
  const std::uint64_t* samples;
  int* batch_labels;
  batch_mixing mixing;
  sample_keys keys;
  image_extent view;
  batch_mix* mix;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    batch_labels[i] = labels[samples[i]];
    if (i == 0) *mix = mixing.choose(keys(0), view);
  }
};

}  // namespace detail

template <class Context, class Images, class Views>
device_batches<Context, Images, Views>::device_batches(const device_dataset<device>& images, Views views,
                                                       device_batch_options options)
    : dataset_{&images},
      views_{std::move(views)},
      options_{options},
      order_{images.size(), options.batch, options.seed, options.shuffle, true, options.blocks},
      samples_{images_of_shard(options)},
      labels_{images_of_shard(options)},
      views_of_batch_{groups::resize(batch_, images_of_shard(options))} {
  expects(options.batch > 0 && options.batch <= images.size(), "a batch of ", options.batch,
          " images cannot be made of ", images.size(), "; choose a smaller batch");
  options.targets.check();
}

template <class Context, class Images, class Views>
template <class Trainer>
keyed_views<Context, Images> device_batches<Context, Images, Views>::operator()(Trainer& trainer,
                                                                                const step_state* now) {
  auto& context = trainer.context();
  const detail::choose_samples choose{order_, now, samples_.data(), epoch_.data()};
  if (options_.shards == 1)
    kernels::parallel_for<device>::run(context, images(), choose);
  else
    kernels::parallel_for<device>::run(context, images(),
                                       detail::choose_samples_of_shard{choose, options_.shard * images()});
  const auto epoch = device_scalar<std::uint32_t>::at_address(epoch_.data());
  augment(context, views_, dataset_->chosen(samples_.data(), images()), options_.seed, epoch,
          views_of_batch_);
  const sample_keys keys{options_.seed, epoch, samples_.data(), images()};
  if constexpr (LabelledMethod<typename Trainer::method_type>)
    label(context, keys, trainer.method().classes(), trainer.memory().soft_targets);
  return {views_of_batch_, keys};
}

template <class Context, class Images, class Views>
template <class Target>
void device_batches<Context, Images, Views>::label(Context& context, const sample_keys& keys,
                                                   std::size_t classes, Target& soft_targets) {
  const auto written = soft_targets.resize(images());
  const std::size_t outputs = written.size() / written.batch;
  expects(0 < dataset_->classes() && dataset_->classes() <= classes, "a classifier of ", classes,
          " classes needs a label below that for every image; the images have ", dataset_->classes(),
          " classes (0: one of them has no label)");
  kernels::parallel_for<device>::run(context, images(),
                                     detail::label_samples{dataset_->labels(),
                                                           samples_.data(),
                                                           labels_.data(),
                                                           options_.targets.mixing,
                                                           keys,
                                                           {Images::extents[0], Images::extents[1]},
                                                           mix_.data()});
  const auto chosen = device_scalar<batch_mix>::at_address(mix_.data());
  mix(context, chosen, views_of_batch_);
  kernels::mixing<device>::targets(context, images(), outputs, classes, chosen, options_.targets.smoothing,
                                   static_cast<const int*>(labels_.data()), written.data);
}

}  // namespace pretext::inline v0_1
