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

// What `trainer_adapter` does with steps: a device that runs apart has them queued, another one takes them.
namespace pretext::detail {

/// Images that the host has, and whose they are.
struct host_batch {
  std::span<const image_view> images;
  std::span<const std::uint64_t> samples;
  std::uint64_t seed;
  std::uint32_t epoch;
};

/// Steps of a device that calculates where the images are.
template <class Trainer, class Views>
class step_backend {
 public:
  static constexpr std::size_t max_queued = 1;

  /// Takes the step, with its views in `room`; `complete(views)` ends the batch.
  template <class Room, class Complete>
  void enqueue(Trainer& trainer, const Views& views, Room& room, const host_batch& of, step_values at,
               const Complete& complete) {
    const auto made = room.resize(Views::views * of.images.size());
    augment(trainer.context(), views, of.images, of.samples, of.seed, of.epoch, made);
    complete(made);
    losses_.push_back(trainer.step(made, {.learning_rate = at.learning_rate,
                                          .target_momentum = at.target_momentum,
                                          .samples = of.samples,
                                          .seed = of.seed,
                                          .epoch = of.epoch,
                                          .drop_path = at.drop_path}));
  }
  std::span<const double> wait_losses(Trainer&) {
    seen_.swap(losses_);
    losses_.clear();
    return seen_;
  }

  std::string upload_dataset(Trainer&, const Views&, const any_source&, const loader_options&,
                             const device_batch_options&) {
    return "the device calculates where the images are";
  }
  void enqueue(std::uint64_t, std::span<const step_values>) {
    fail<std::logic_error>("steps on kept images were asked for, and this device keeps none");
  }

 private:
  std::vector<double> losses_, seen_;
};

/// Steps of a device that runs apart: what lies between the choice of a batch and the last update is recorded
/// once and repeated.
template <class Trainer, class Views>
  requires has_separate_memory<typename Trainer::device>
class step_backend<Trainer, Views> {
  using context_type = typename Trainer::context_type;
  using images_shape = typename Trainer::images;
  using device = typename Trainer::device;
  using loaded = host_batches<context_type, images_shape, Views>;
  using resident = device_batches<context_type, images_shape, Views>;
  using host_queue = step_queue<Trainer, loaded>;
  using dataset_queue = step_queue<Trainer, resident>;

 public:
  static constexpr std::size_t max_queued = host_queue::max_queued;

  /// The views of a step that may be repeated have a place of their own.
  template <class Room, class Complete>
  void enqueue(Trainer& trainer, const Views& views, Room&, const host_batch& of, step_values at,
               const Complete& complete) {
    auto* queue = std::get_if<host_queue>(&queue_);
    if (!queue || of.seed != seed_) {
      expects_nothing_asked();
      queue = &queue_.template emplace<host_queue>(trainer, loaded{views, seed_ = of.seed});
      kept_.reset();
    }
    queue->batches().load(trainer.context(), of.images, of.samples, of.epoch);
    complete(queue->batches().views());
    queue->enqueue({&at, 1});
    asked_ = true;
  }
  std::span<const double> wait_losses(Trainer&) {
    asked_ = false;
    if (auto* const queue = std::get_if<host_queue>(&queue_)) return queue->wait_losses();
    if (auto* const queue = std::get_if<dataset_queue>(&queue_)) return queue->wait_losses();
    return {};
  }

  std::string upload_dataset(Trainer& trainer, const Views& views, const any_source& images,
                             const loader_options& batches, const device_batch_options& options) {
    expects_nothing_asked();
    queue_ = std::monostate{};
    kept_.reset();
    if (!batches.drop_last) return "the last batch of an epoch may be smaller than the others";
    auto found = try_upload<device>(images, batches.threads);
    if (!found.images) return found.error;
    kept_ = std::move(found.images);
    queue_.template emplace<dataset_queue>(trainer, resident{*kept_, views, options});
    return {};
  }
  void enqueue(std::uint64_t taken, std::span<const step_values> at) {
    auto* const queue = std::get_if<dataset_queue>(&queue_);
    if (!queue) fail<std::logic_error>("steps on kept images were asked for, and this device keeps none");
    queue->set_step(taken);
    asked_ = true;
    queue->enqueue(at);
  }

 private:
  /// A queue that ends takes its losses with it.
  void expects_nothing_asked() const {
    if (asked_)
      fail<std::logic_error>(
          "batches of another kind or seed begin once the losses of the steps before have "
          "been read; call wait_losses() first");
  }

  std::unique_ptr<device_dataset<device>> kept_;
  std::variant<std::monostate, host_queue, dataset_queue> queue_;
  std::uint64_t seed_ = 0;  // of a loaded queue
  bool asked_ = false;      // for steps whose losses nobody has read
};

}  // namespace pretext::detail
