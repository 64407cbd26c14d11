// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <pretext/augment/views.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/training/device_batches.hpp>
#include <pretext/training/device_dataset.hpp>
#include <pretext/training/host_batches.hpp>
#include <pretext/training/step_queue.hpp>

// How `trainer_adapter` takes steps. A device that works in host memory takes each step when it is enqueued.
// An asynchronous device queues steps: a step is recorded once and replayed.
namespace pretext::inline v0_1 {

/// Images in host memory, their indices in the data set, and the seed and epoch that key their random
/// numbers: a batch that a loader returns, or one that the caller assembles.
using image_batch = loader::batch;

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::detail {

/// The steps of a device that works in host memory.
template <class Trainer, class Views>
class step_backend {
 public:
  static constexpr std::size_t max_queued = 1;

  /// Takes the step, with its views in `memory`. `complete(views)` finishes the batch once its views are
  /// made.
  template <class Memory, class Complete>
  void enqueue(Trainer& trainer, const Views& views, Memory& memory, const image_batch& batch,
               const step_values& values, const Complete& complete) {
    using groups = view_groups<typename Trainer::view_shapes, Views::views>;
    const auto batch_views = groups::resize(memory, batch.images.size());
    augment(trainer.context(), views, batch.images, batch.samples, batch.seed, batch.epoch, batch_views);
    complete(batch_views);
    losses_.push_back(trainer.step(typename Trainer::views_type{batch_views}, values,
                                   trainer.keys_of(batch.samples, batch.seed, batch.epoch)));
  }
  std::span<const double> wait_losses(Trainer&) {
    returned_.swap(losses_);
    losses_.clear();
    return returned_;
  }

  std::string upload_dataset(Trainer&, const Views&, const any_source&, const loader_options&,
                             const device_batch_options&) {
    return "the device works in host memory, where the images are";
  }
  void enqueue_uploaded(std::uint64_t, std::span<const step_values>) {
    throw_error<std::logic_error>("enqueue_uploaded needs uploaded images; call upload_dataset first");
  }

 private:
  std::vector<double> losses_, returned_;
};

/// The steps of an asynchronous device: everything between the choice of a batch and the last update is
/// recorded once and replayed.
template <class Trainer, class Views>
  requires has_separate_memory<typename Trainer::device>
class step_backend<Trainer, Views> {
  using context_type = typename Trainer::context_type;
  using images_shape = typename Trainer::view_shapes;
  using device = typename Trainer::device;
  using from_host = host_batches<context_type, images_shape, Views>;
  using from_device = device_batches<context_type, images_shape, Views>;
  using host_queue = step_queue<Trainer, from_host>;
  using dataset_queue = step_queue<Trainer, from_device>;

 public:
  static constexpr std::size_t max_queued = host_queue::max_queued;

  /// Enqueues the step. A recorded step needs its views at one address, so the queue owns their memory and
  /// the caller's is not used.
  template <class Memory, class Complete>
  void enqueue(Trainer& trainer, const Views& views, Memory&, const image_batch& batch,
               const step_values& values, const Complete& complete) {
    auto* queue = std::get_if<host_queue>(&queue_);
    if (!queue || batch.seed != seed_) {
      expects_losses_read();
      queue = &queue_.template emplace<host_queue>(trainer, from_host{views, seed_ = batch.seed});
      dataset_.reset();
    }
    queue->batches().load(trainer.context(), batch.images, batch.samples, batch.epoch);
    complete(queue->batches().views());
    queue->enqueue({&values, 1});
    losses_pending_ = true;
  }
  std::span<const double> wait_losses(Trainer&) {
    losses_pending_ = false;
    if (auto* const queue = std::get_if<host_queue>(&queue_)) return queue->wait_losses();
    if (auto* const queue = std::get_if<dataset_queue>(&queue_)) return queue->wait_losses();
    return {};
  }

  std::string upload_dataset(Trainer& trainer, const Views& views, const any_source& images,
                             const loader_options& batches, device_batch_options options) {
    expects_losses_read();
    queue_ = std::monostate{};
    dataset_.reset();
    if (!batches.drop_last) return "the last batch of an epoch may be smaller than the others";
    auto uploaded = try_upload<device>(images, batches.threads);
    if (!uploaded.images) return uploaded.error;
    dataset_ = std::move(uploaded.images);
    options.blocks = images.blocks();
    queue_.template emplace<dataset_queue>(trainer, from_device{*dataset_, views, options});
    return {};
  }
  void enqueue_uploaded(std::uint64_t step, std::span<const step_values> values) {
    auto* const queue = std::get_if<dataset_queue>(&queue_);
    if (!queue)
      throw_error<std::logic_error>("enqueue_uploaded needs uploaded images; call upload_dataset first");
    queue->set_step(step);
    losses_pending_ = true;
    queue->enqueue(values);
  }

 private:
  /// Replacing a queue would lose the losses of its steps.
  void expects_losses_read() const {
    if (losses_pending_)
      throw_error<std::logic_error>(
          "the losses of earlier steps have not been read, and the next step needs another queue (other "
          "images or "
          "another seed); call wait_losses() first");
  }

  std::unique_ptr<device_dataset<device>> dataset_;
  std::variant<std::monostate, host_queue, dataset_queue> queue_;
  std::uint64_t seed_ = 0;  // of the host queue
  bool losses_pending_ = false;
};

}  // namespace pretext::inline v0_1::detail
