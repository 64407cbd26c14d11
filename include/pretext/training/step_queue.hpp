// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/training/batches.hpp>
#include <pretext/training/detail/graph_key.hpp>
#include <pretext/training/step_values.hpp>

namespace pretext::inline v0_1 {

/// Queues training steps that the host does not wait for: an asynchronous device executes them while the host
/// does other work, and stores their losses until they are read. A device with `record` (a GPU, as a CUDA
/// graph) records a step as soon as the one before it allocated nothing, from the choice of its samples to
/// the last update, and then replays it: one launch, without allocations or copies. A step is recorded again
/// when the batch size, a hyper-parameter or the context's memory has changed (detail/graph_key.hpp).
template <class Trainer, class Batches>
class step_queue {
  static_assert(pretext::Batches<Batches, Trainer>,
                "pretext::step_queue: its batches must have images() and a call (trainer, const step_state*) "
                "that returns keyed_views<Context, Images>, as device_batches and host_batches do.");

 public:
  using device = typename Trainer::device;
  static constexpr std::size_t max_queued = 1024;  ///< steps between two calls of `wait_losses`

  /// Stores a pointer to the trainer, which must outlive the queue and stay where it is.
  step_queue(Trainer& trainer, Batches batches);

  /// Queues one step for each element. A synchronous device executes them at once and throws as the trainer's
  /// `step` does.
  void enqueue(std::span<const step_values> values);
  /// Waits and returns the losses of all steps since the last call; the span is valid until the next one.
  /// Throws non_finite_loss if one of them is NaN or infinite: its update and those after it were not made.
  std::span<const double> wait_losses();
  /// `enqueue`, then `wait_losses`.
  std::span<const double> run(std::span<const step_values> values) {
    enqueue(values);
    return wait_losses();
  }

  /// Continues as if so many steps were completed.
  void set_step(std::uint64_t steps);
  /// Waits and returns the number of completed steps.
  std::uint64_t steps();

  Batches& batches() { return batches_; }
  /// The number of recordings so far.
  std::size_t recordings() const { return recordings_; }

 private:
  void enqueue_one(double drop_path);
  /// Records the step, together with the other shards that this rank holds.
  void record(double drop_path);
  /// Puts the whole step on the stream.
  void put_step(double drop_path);

  Trainer* trainer_;
  Batches batches_;
  buffer<step_state, device> state_{1};
  buffer<device_step_values, device> values_{max_queued};
  buffer<double, device> losses_{max_queued};
  std::vector<double> host_losses_;
  std::vector<device_step_values> host_values_;
  std::size_t queued_ = 0, recordings_ = 0;
  bool is_recorded_ = false;
  std::optional<detail::graph_key<Trainer>> recorded_key_;  ///< of the last step
  std::optional<detail::recording_of<device>> recorded_;
};

namespace detail {

struct begin_step {
  const device_step_values* values;
  step_state* now;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const { now->values = values[now->queued]; }
};
struct end_step {
  const double* settled;
  double* losses;
  step_state* now;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {
    losses[now->queued++] = *settled;
    if (pretext::detail::is_finite(*settled)) ++now->number;
  }
};

}  // namespace detail

template <class Trainer, class Batches>
step_queue<Trainer, Batches>::step_queue(Trainer& trainer, Batches batches)
    : trainer_{&trainer}, batches_{std::move(batches)} {
  set_step(0);
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::enqueue(std::span<const step_values> values) {
  expects(queued_ + values.size() <= max_queued, "a queue stores the losses of ", max_queued,
          " steps: call wait_losses() before more steps than that are enqueued");
  host_values_.clear();
  for (const step_values& step : values) host_values_.push_back(trainer_->checked(step));
  device::write(trainer_->context().stream, values_.data() + queued_, host_values_.data(), values.size());
  for (const step_values& step : values) enqueue_one(step.drop_path);
}

template <class Trainer, class Batches>
std::span<const double> step_queue<Trainer, Batches>::wait_losses() {
  const auto& stream = trainer_->context().stream;
  host_losses_.resize(std::exchange(queued_, 0));
  if (host_losses_.empty()) return {};
  if (trainer_->context().communicator) trainer_->context().communicator->wait(stream);
  device::read(stream, host_losses_.data(), losses_.data(), host_losses_.size());
  device::clear(stream, &state_.data()->queued, 1);
  trainer_->wait_loss();  // throws for the first loss that was not finite
  return host_losses_;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::set_step(std::uint64_t steps) {
  device::write(trainer_->context().stream, &state_.data()->number, &steps, 1);
}

template <class Trainer, class Batches>
std::uint64_t step_queue<Trainer, Batches>::steps() {
  std::uint64_t completed = 0;
  device::read(trainer_->context().stream, &completed, &state_.data()->number, 1);
  return completed;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::enqueue_one(double drop_path) {
  const detail::graph_key<Trainer> key{*trainer_, batches_.images(), drop_path};
  if constexpr (detail::Recorder<device>) {
    auto& context = trainer_->context();
    bool is_same = recorded_key_ == key;
    if (context.communicator) is_same = context.communicator->agree(context.stream, is_same);
    if (is_same) {
      if (!is_recorded_) record(drop_path);
      // A rank replays the step of all its shards at once.
      if (!context.communicator || context.communicator->meet(context.stream))
        recorded_->replay(context.stream);
      ++queued_;
      return;
    }
  }
  recorded_.reset();
  is_recorded_ = false;
  recorded_key_ = key;
  put_step(drop_path);
  ++queued_;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::record(double drop_path) {
  auto& context = trainer_->context();
  const auto work = [&] {
    put_step(drop_path);
    if (context.communicator)
      context.communicator->meet(context.stream);  // the shards of a rank are one graph
  };
  if (!context.communicator || context.communicator->meet(context.stream))
    recorded_.emplace(device::record(context.stream, work));
  else
    work();
  is_recorded_ = true;
  ++recordings_;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::put_step(double drop_path) {
  using each = kernels::parallel_for<device>;
  auto& context = trainer_->context();
  step_state* const now = state_.data();
  each::run(context, 1, detail::begin_step{values_.data(), now});
  const auto batch = batches_(*trainer_, static_cast<const step_state*>(now));
  trainer_->enqueue(batch.views, device_step_values::stored(&now->values, batch.keys, drop_path));
  each::run(context, 1, detail::end_step{trainer_->loss_on_device(), losses_.data(), now});
}

}  // namespace pretext::inline v0_1
