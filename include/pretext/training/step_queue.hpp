#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/training/detail/graph_key.hpp>
#include <pretext/training/step_values.hpp>

namespace pretext {

/// What a step finds about itself in the device's memory.
struct step_state {
  std::uint64_t number = 0;  ///< steps taken before it: those whose loss was a number
  std::size_t asked = 0;     ///< steps asked for before it since losses were last read
  step_values rates{};
};

/// Steps of a trainer that nobody waits for: they are asked for one after another, the device takes them
/// while the host does something else, and keeps their losses until somebody wants them. As soon as a step
/// has found all the memory it needed, a device that can (a GPU: as a CUDA graph) records the next one, from
/// the choice of its samples to its last update, and from then on repeats what it recorded: one launch, which
/// allocates nothing and reads nothing. After a change of the batch, of hyper-parameters or of the place's
/// memory a step is recorded anew.
///
/// `Batches` makes the batches: `images()` says how many images one has, and a call with the trainer and the
/// running step, which only the device can look at, puts on the stream what writes the batch, tells the
/// trainer whose it is (`draw`) and returns its stacked views.
template <class Trainer, class Batches>
class step_queue {
 public:
  using device = typename Trainer::device;
  static constexpr std::size_t most = 1024;  ///< steps between two looks at their losses

  /// Keeps a pointer to the trainer.
  step_queue(Trainer& trainer, Batches batches);

  /// Asks for a step with each of these rates. A device that does not run apart takes them at once and throws
  /// as the trainer's `step` does.
  void put(std::span<const step_values> rates);
  /// Waits; the losses of all steps that were asked for since the last call, to be looked at before the next
  /// one. Throws as the trainer's `step` does if one of them is not a number: then its update and those after
  /// it have not happened.
  std::span<const double> losses();
  /// Both.
  std::span<const double> take(std::span<const step_values> rates) {
    put(rates);
    return losses();
  }

  /// Goes on as if so many steps had been taken.
  void seek(std::uint64_t steps);
  /// Waits; how many have been taken.
  std::uint64_t steps();

  Batches& batches() { return batches_; }
  /// How often a step was recorded.
  std::size_t recordings() const { return recordings_; }

 private:
  void take_one();
  /// The whole step, onto the stream.
  void enqueue();

  Trainer* trainer_;
  Batches batches_;
  buffer<step_state, device> now_{1};
  buffer<step_values, device> rates_{most};
  buffer<double, device> losses_{most};
  std::vector<double> seen_;
  std::size_t asked_ = 0, recordings_ = 0;
  std::optional<detail::graph_key<Trainer>> recorded_key_;  ///< those of the last step
  std::optional<detail::recording_of<device>> recorded_;
};

namespace detail {

struct begin_step {
  const step_values* rates;
  step_state* now;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const { now->rates = rates[now->asked]; }
};
struct end_step {
  const double* settled;
  double* losses;
  step_state* now;
  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {
    losses[now->asked++] = *settled;
    if (std::isfinite(*settled)) ++now->number;
  }
};

}  // namespace detail

template <class Trainer, class Batches>
step_queue<Trainer, Batches>::step_queue(Trainer& trainer, Batches batches)
    : trainer_{&trainer}, batches_{std::move(batches)} {
  seek(0);
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::put(std::span<const step_values> rates) {
  expects(asked_ + rates.size() <= most, "a queue keeps the losses of ", most,
          " steps: ask for them before it is asked for more than that");
  device::write(trainer_->context().stream, rates_.data() + asked_, rates.data(), rates.size());
  for (std::size_t i = 0; i < rates.size(); ++i) take_one();
}

template <class Trainer, class Batches>
std::span<const double> step_queue<Trainer, Batches>::losses() {
  const auto& stream = trainer_->context().stream;
  seen_.resize(std::exchange(asked_, 0));
  if (seen_.empty()) return {};
  device::read(stream, seen_.data(), losses_.data(), seen_.size());
  device::clear(stream, &now_.data()->asked, 1);
  trainer_->wait_loss();  // the last one, or the first that was not a number
  return seen_;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::seek(std::uint64_t steps) {
  device::write(trainer_->context().stream, &now_.data()->number, &steps, 1);
}

template <class Trainer, class Batches>
std::uint64_t step_queue<Trainer, Batches>::steps() {
  std::uint64_t taken = 0;
  device::read(trainer_->context().stream, &taken, &now_.data()->number, 1);
  return taken;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::take_one() {
  const detail::graph_key<Trainer> key{*trainer_, batches_.images()};
  if constexpr (detail::Recorder<device>) {
    const auto& stream = trainer_->context().stream;
    if (recorded_key_ == key) {
      if (!recorded_) {
        recorded_.emplace(device::record(stream, [this] { enqueue(); }));
        ++recordings_;
      }
      recorded_->replay(stream);
      ++asked_;
      return;
    }
  }
  recorded_.reset();
  recorded_key_ = key;
  enqueue();
  ++asked_;
}

template <class Trainer, class Batches>
void step_queue<Trainer, Batches>::enqueue() {
  using each = kernels::parallel_for<device>;
  auto& context = trainer_->context();
  step_state* const now = now_.data();
  each::run(context, 1, detail::begin_step{rates_.data(), now});
  const auto views = batches_(*trainer_, static_cast<const step_state*>(now));
  trainer_->put(views, device_scalar<double>::at_address(&now->rates.learning_rate),
                device_scalar<double>::at_address(&now->rates.target_momentum));
  each::run(context, 1, detail::end_step{trainer_->loss_on_device(), losses_.data(), now});
}

}  // namespace pretext
