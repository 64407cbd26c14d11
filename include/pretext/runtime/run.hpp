// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/collapse_watch.hpp>
#include <pretext/runtime/detail/run_files.hpp>
#include <pretext/runtime/detail/shard_of_run.hpp>
#include <pretext/runtime/folder_lock.hpp>
#include <pretext/runtime/metrics.hpp>
#include <pretext/runtime/progress.hpp>
#include <pretext/runtime/queue_depth.hpp>
#include <pretext/runtime/run_options.hpp>
#include <pretext/runtime/run_state.hpp>
#include <pretext/training/non_finite_loss.hpp>

namespace pretext::inline v0_1 {

/// Passed to `run` instead of a loader: the device makes the batches of the images that were uploaded to it.
struct device_batches_tag {};

namespace detail {

/// The state of a run.
template <class Loader>
class run_loop {
 public:
  run_loop(const run_options& options, any_trainer& trainer, Loader& loader, bool resume)
      : options_{options},
        trainer_{trainer},
        loader_{loader},
        shard_{options.communicator, options.patience},
        lock_{shard_.is_first() ? lock_run(options) : nullptr},
        state_{resume ? restore() : run_state{}},
        saved_step_{resume && same_fingerprints(options, state_) ? state_.step : no_step},
        metrics_{shard_.is_first() ? std::make_unique<metrics_file>(options.folder / "metrics.csv",
                                                                    columns_of(options, trainer), state_.step)
                                   : nullptr},
        progress_{options.steps, options.batch} {
    if constexpr (!std::same_as<Loader, device_batches_tag>) {
      expects(loader_.batches_per_epoch() == options.steps_per_epoch, "a run with ", options.steps_per_epoch,
              " steps per epoch cannot use a loader with ", loader_.batches_per_epoch(),
              " batches per epoch");
      loader_.seek(static_cast<std::uint32_t>(state_.step / options.steps_per_epoch),
                   state_.step % options.steps_per_epoch);
    }
  }

  run_result run() {
    while (state_.step < options_.steps && !shard_.any(options_.stop.stop_requested())) {
      const auto began = clock::now();
      shard_.begin_step(state_.step + 1);
      const auto losses = take(steps_ahead());
      if (losses.empty()) break;  // interrupted while the host waited for images
      depth_.report(losses.size(), since(began));
      shard_.end_step(clock::now() - began);
      state_.step += losses.size();
      state_.loss = losses.back();
      if (state_.step == 1 && shard_.is_first()) remember_start();
      if (shard_.is_first()) progress_.show(state_.step, state_.loss);
      observe(values_[losses.size() - 1]);
      if (failed_) return {.steps = state_.step, .loss = state_.loss, .failed = true};
      if (shard_.of_first(since(saved_) > options_.checkpoint_seconds && state_.step < options_.steps))
        save();
    }
    if (shard_.of_first(state_.step != saved_step_)) save();
    progress_.finish();
    return {.steps = state_.step,
            .loss = state_.loss,
            .seconds = state_.seconds,
            .peak_memory = state_.peak_memory,
            .skipped = state_.skipped,
            .interrupted = state_.step < options_.steps};
  }

 private:
  using clock = std::chrono::steady_clock;
  static double since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
  }
  /// Steps that the device can take before the host needs their results: until a row of metrics.csv, the end
  /// of an epoch, or the end of the run; the first is taken alone if its embeddings are tested.
  std::size_t steps_until_event() const {
    if (state_.step == 0 && options_.stop_on_collapse) return 1;
    return std::min({trainer_.max_queued(), options_.steps - state_.step,
                     until_next(options_.steps_per_epoch), until_next(options_.monitor_every)});
  }
  /// As many as the clock of the first shard allows.
  std::size_t steps_ahead() {
    const std::size_t steps = depth_.steps(steps_until_event(), options_.checkpoint_seconds - since(saved_));
    return trainer_.max_queued() > 1 ? shard_.value_of_first(steps) : steps;
  }
  std::size_t until_next(std::size_t every) const { return every - state_.step % every; }

  /// Takes `steps` steps, or fewer if the run is interrupted; returns their losses.
  std::span<const double> take(std::size_t steps) try {
    if (enqueue(steps) == 0) return {};
    return trainer_.wait_losses();
  } catch (const non_finite_loss& error) {
    progress_.finish();
    const std::size_t last = state_.step + values_.size();
    throw_error<non_finite_loss>(
        last == state_.step + 1 ? str_cat("step ", last) : str_cat("steps ", state_.step + 1, " to ", last),
        ": ", error.what());
  }

  /// Enqueues `steps` steps, or fewer if the run is interrupted while the host loads their images; returns
  /// their number.
  std::size_t enqueue(std::size_t steps) {
    values_.clear();
    for (std::size_t i = 0; i < steps; ++i) values_.push_back(options_.schedule(state_.step + i));
    if constexpr (std::same_as<Loader, device_batches_tag>) {
      trainer_.enqueue_uploaded(state_.step, values_);
      return steps;
    } else {
      for (std::size_t i = 0; i < steps; ++i) {
        // Shards stop between two steps, when all of them know.
        const auto stopped = [this] { return shard_.is_alone() && options_.stop.stop_requested(); };
        if (i > 0 && stopped()) return i;
        const auto batch = loader_.next_unless(stopped);
        if (!batch) return i;
        images_ = batch->images;
        trainer_.enqueue(*batch, values_[i]);
      }
      return steps;
    }
  }

  /// The checkpoint's state.
  run_state restore() {
    const run_state saved = restore_run(options_, trainer_);
    earlier_seconds_ = saved.seconds;
    return saved;
  }

  void save() {
    state_.seconds = earlier_seconds_ + since(started_);
    state_.peak_memory = std::max(state_.peak_memory, trainer_.peak_memory());
    state_.config_fingerprint = options_.config_fingerprint;
    if (!options_.data_fingerprint.empty()) state_.data_fingerprint = options_.data_fingerprint;
    if constexpr (!std::same_as<Loader, device_batches_tag>)
      state_.skipped.insert(loader_.skipped().begin(), loader_.skipped().end());
    shard_.join(state_.skipped);
    shard_.expect_unknown_work("the saving of a checkpoint");
    if (shard_.is_first()) {
      save_plans(options_, trainer_);
      save_checkpoint(checkpoint_of(options_), trainer_, metadata_of(state_));
    }
    saved_ = clock::now();
    saved_step_ = state_.step;
  }

  /// Records how much embeddings differ after the first step.
  void remember_start() {
    if (!options_.stop_on_collapse || trainer_.last_embeddings().width == 0) return;
    const auto found = test_last_embeddings(trainer_);
    state_.measured_start = found.not_finite == 0;
    state_.first_spread = found.std;
    state_.first_rank = found.effective_rank;
  }

  /// Measures where a row is due; saves and ends a run that cannot go on.
  void observe(const step_values& values) {
    const bool epoch_ends = state_.step % options_.steps_per_epoch == 0;
    if (!epoch_ends && state_.step % options_.monitor_every != 0) return;
    std::map<std::string, double> row;
    std::exception_ptr failure;
    if (epoch_ends && options_.after_epoch)
      failure = shard_.call_on_all("the evaluation after an epoch", [&] {
        try {
          row = options_.after_epoch(state_.step / options_.steps_per_epoch);
        } catch (const interrupted&) {}  // the cells stay empty
      });
    if (shard_.is_first()) failure = measure(values, row, failure);
    if (!shard_.of_first(failure != nullptr)) return;
    save();
    progress_.finish();
    if (shard_.is_first()) std::rethrow_exception(failure);
    failed_ = true;
  }

  /// Writes the row of metrics of a step; returns why the run must end, `failure` before others, or null.
  std::exception_ptr measure(const step_values& values, std::map<std::string, double>& row,
                             std::exception_ptr failure) {
    row.merge(std::map<std::string, double>{{"epoch", double(state_.step) / double(options_.steps_per_epoch)},
                                            {"loss", state_.loss},
                                            {"learning_rate", values.learning_rate},
                                            {"images_per_second", progress_.images_per_second()}});
    if (values.target_momentum) row.insert({"target_momentum", *values.target_momentum});
    if (values.weight_decay) row.insert({"weight_decay", *values.weight_decay});
    collapse_report found;
    if (trainer_.last_embeddings().width > 0) {
      found = test_last_embeddings(trainer_);
      row.insert(
          {{"embedding_spread", found.std / found.uniform_std}, {"effective_rank", found.effective_rank}});
    }
    metrics_->add(state_.step, row);
    if (failure || !options_.stop_on_collapse) return failure;
    std::string verdict;
    if (ends_run(found, state_, options_.steps)) verdict = collapse_verdict(found, trainer_, images_);
    const double chance = trainer_.chance_loss(options_.batch);
    const bool at_chance = is_at_chance(state_, options_.steps, options_.batch, chance);
    state_.rows_at_chance = at_chance ? state_.rows_at_chance + 1 : 0;
    if (verdict.empty() && state_.rows_at_chance == max_rows_at_chance)
      verdict = chance_verdict(state_, trainer_);
    if (!verdict.empty())
      failure = std::make_exception_ptr(std::runtime_error{str_cat("step ", state_.step, ": ", verdict)});
    return failure;
  }

  const run_options& options_;
  any_trainer& trainer_;
  Loader& loader_;
  std::span<const image_view> images_;  // of the last batch, while the loader has it; empty if uploaded
  static constexpr auto no_step = static_cast<std::size_t>(-1);
  shard_of_run shard_;
  std::unique_ptr<folder_lock> lock_;
  double earlier_seconds_ = 0;  // of earlier processes; declared before state_, because restore() sets it
  run_state state_;
  std::size_t saved_step_;                 // of the last checkpoint
  std::unique_ptr<metrics_file> metrics_;  // of the first shard
  progress progress_;
  queue_depth depth_{options_.max_wait};
  std::vector<step_values> values_;  // of the steps enqueued last
  bool failed_ = false;              // the first shard cannot go on
  clock::time_point started_ = clock::now(), saved_ = clock::now();
};

}  // namespace detail

/// Trains until the last step, a requested stop, a collapse, or a loss that is NaN or infinite. Writes
/// checkpoints, metrics.csv and the plans of a GPU, gpu_plans.txt, into the folder; with `resume` continues
/// from its checkpoint and with these plans, bit for bit as if the run had never stopped. Locks the folder: a
/// second run in it is refused. An asynchronous device gets as many steps at a time as end within `max_wait`
/// and before the host needs a result. Throws std::runtime_error with one sentence on the problem and what to
/// try. Handles no signals; runs in other folders may go on at the same time, in other threads. With
/// `run_options::communicator` every shard of the batches calls it, with a loader of that shard.
template <class Loader>
run_result run_training(const run_options& options, any_trainer& trainer, Loader& loader,
                        bool resume = false) {
  return detail::run_loop<Loader>{options, trainer, loader, resume}.run();
}

}  // namespace pretext::inline v0_1
