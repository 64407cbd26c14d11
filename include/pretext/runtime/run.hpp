#pragma once
#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/alike_images.hpp>
#include <pretext/evaluation/collapse.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/interrupt.hpp>
#include <pretext/runtime/metrics.hpp>
#include <pretext/runtime/progress.hpp>
#include <pretext/runtime/queue_depth.hpp>
#include <pretext/training/non_finite_loss.hpp>

namespace pretext::inline v0_1 {

/// The length of a run, with or without labels, what it measures, and the files that it writes. The trainer
/// and the loader decide what the run computes.
struct run_options {
  std::size_t steps = 0, steps_per_epoch = 1;
  std::size_t batch = 256;  ///< images per step, for the speed that the progress shows
  std::function<step_values(std::size_t)> schedule;  ///< learning rate and momentum of step 0, 1, …
  std::filesystem::path folder;    ///< where checkpoint.safetensors and metrics.csv are written
  double checkpoint_seconds = 60;  ///< longest time between two checkpoints
  std::size_t monitor_every = 25;  ///< steps between two rows of metrics.csv
  double max_wait = 0.5;         ///< seconds that the host waits for queued steps before it reacts to Ctrl-C
  bool stop_on_collapse = true;  ///< ends the run if the embeddings have collapsed
  std::vector<std::string> metric_names{"knn"};  ///< columns of metrics.csv that `after_epoch` fills
  /// Measures after an epoch (1, 2, …); may be empty. It should throw `interrupted` once
  /// `interrupt_guard::stop_requested()`; its cells then stay empty.
  std::function<std::map<std::string, double>(std::size_t)> after_epoch;
  std::string config_fingerprint;  ///< must be equal when a run is resumed: the recipe, for example
};

/// How a run ended.
struct run_result {
  std::size_t steps = 0;     ///< taken since the start of the training
  double loss = 0;           ///< of the last step
  double seconds = 0;        ///< since the start of the training, without pauses
  bool interrupted = false;  ///< by Ctrl-C, SIGTERM or SIGHUP, before the last step
};

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
        step_{resume ? restore() : 0},
        metrics_{options.folder / "metrics.csv", columns(options, trainer), step_},
        progress_{options.steps, options.batch} {
    if constexpr (!std::same_as<Loader, device_batches_tag>) {
      expects(loader_.batches_per_epoch() == options.steps_per_epoch, "a run with ", options.steps_per_epoch,
              " steps per epoch cannot use a loader with ", loader_.batches_per_epoch(),
              " batches per epoch");
      loader_.seek(static_cast<std::uint32_t>(step_ / options.steps_per_epoch),
                   step_ % options.steps_per_epoch);
    }
  }

  run_result run() {
    const interrupt_guard guard;
    run_result result;
    while (step_ < options_.steps && !interrupt_guard::stop_requested()) {
      const auto began = clock::now();
      const auto losses =
          take(depth_.steps(steps_until_event(), options_.checkpoint_seconds - since(saved_)));
      if (losses.empty()) break;  // interrupted while the host waited for images
      depth_.report(losses.size(), since(began));
      step_ += losses.size();
      result.loss = losses.back();
      progress_.show(step_, result.loss);
      observe(result.loss, values_[losses.size() - 1]);
      if (since(saved_) > options_.checkpoint_seconds && step_ < options_.steps) save();
    }
    result.interrupted = step_ < options_.steps;
    save();
    progress_.finish();
    result.steps = step_;
    result.seconds = earlier_seconds_ + since(started_);
    return result;
  }

 private:
  using clock = std::chrono::steady_clock;
  static double since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
  }
  /// Steps that the device can take before the host needs their results: until a row of metrics.csv, the end
  /// of an epoch, or the end of the run.
  std::size_t steps_until_event() const {
    return std::min({trainer_.max_queued(), options_.steps - step_, until_next(options_.steps_per_epoch),
                     until_next(options_.monitor_every)});
  }
  std::size_t until_next(std::size_t every) const { return every - step_ % every; }

  /// Takes `steps` steps, or fewer if the run is interrupted; returns their losses.
  std::span<const double> take(std::size_t steps) try {
    if (enqueue(steps) == 0) return {};
    return trainer_.wait_losses();
  } catch (const non_finite_loss& error) {
    progress_.finish();
    const std::size_t last = step_ + values_.size();
    throw_error<non_finite_loss>(
        last == step_ + 1 ? str_cat("step ", last) : str_cat("steps ", step_ + 1, " to ", last), ": ",
        error.what());
  }

  /// Enqueues `steps` steps, or fewer if the run is interrupted while the host loads their images; returns
  /// their number.
  std::size_t enqueue(std::size_t steps) {
    values_.clear();
    for (std::size_t i = 0; i < steps; ++i) values_.push_back(options_.schedule(step_ + i));
    if constexpr (std::same_as<Loader, device_batches_tag>) {
      trainer_.enqueue_uploaded(step_, values_);
      return steps;
    } else {
      for (std::size_t i = 0; i < steps; ++i) {
        if (i > 0 && interrupt_guard::stop_requested()) return i;
        const auto batch = loader_.next_unless(&interrupt_guard::stop_requested);
        if (!batch) return i;
        images_ = batch->images;
        trainer_.enqueue(*batch, values_[i]);
      }
      return steps;
    }
  }

  /// The columns of metrics.csv; a method without embeddings or without a target has no columns for them.
  static std::vector<std::string> columns(const run_options& options, any_trainer& trainer) {
    std::vector<std::string> names{"step", "epoch", "loss", "learning_rate", "images_per_second"};
    if (trainer.last_embeddings().width > 0)
      names.insert(names.end(), {"embedding_spread", "effective_rank"});
    names.insert(names.end(), options.metric_names.begin(), options.metric_names.end());
    if (trainer.has_target()) names.push_back("target_momentum");
    return names;
  }
  std::filesystem::path checkpoint() const { return options_.folder / "checkpoint.safetensors"; }

  std::size_t restore() {
    const auto metadata = load_checkpoint(checkpoint(), trainer_);
    const auto text = [&](const char* name) {
      const auto found = metadata.find(name);
      if (found == metadata.end())
        throw_error<std::runtime_error>(checkpoint().string(), ": has no metadata \"", name,
                                        "\"; it is no checkpoint of a run");
      return found->second;
    };
    if (text("identity") != options_.config_fingerprint)
      throw_error<std::runtime_error>(checkpoint().string(),
                                      ": belongs to a run with other settings; it was made with ",
                                      text("identity"), " and this run has ", options_.config_fingerprint);
    earlier_seconds_ = std::stod(text("seconds"));
    return std::stoull(text("step"));
  }

  void save() {
    save_checkpoint(checkpoint(), trainer_,
                    {{"step", std::to_string(step_)},
                     {"seconds", std::to_string(earlier_seconds_ + since(started_))},
                     {"identity", options_.config_fingerprint}});
    saved_ = clock::now();
  }

  /// Writes the metrics of a step where a row is due; saves and ends a collapsed run.
  void observe(double loss, const step_values& values) {
    const bool epoch_ends = step_ % options_.steps_per_epoch == 0;
    if (!epoch_ends && step_ % options_.monitor_every != 0) return;
    std::map<std::string, double> row{{"epoch", double(step_) / double(options_.steps_per_epoch)},
                                      {"loss", loss},
                                      {"learning_rate", values.learning_rate},
                                      {"images_per_second", progress_.images_per_second()}};
    if (values.target_momentum) row.insert({"target_momentum", *values.target_momentum});
    collapse_report found;
    if (const auto z = trainer_.last_embeddings(); z.width > 0) {
      found = detect_collapse(
          feature_table{z.values.size() / z.width, z.width, {z.values.begin(), z.values.end()}, {}}, {},
          z.views);
      row.insert(
          {{"embedding_spread", found.std / found.uniform_std}, {"effective_rank", found.effective_rank}});
    }
    if (epoch_ends && options_.after_epoch) {
      try {
        row.merge(options_.after_epoch(step_ / options_.steps_per_epoch));
      } catch (const interrupted&) {}  // the cells stay empty
    }
    metrics_.add(step_, row);
    // At the start of training embeddings may look collapsed; NaN and infinity never recover.
    const bool settled = step_ >= options_.steps / 10;
    if (options_.stop_on_collapse && found.collapsed && (settled || found.not_finite > 0)) {
      save();
      progress_.finish();
      throw_error<std::runtime_error>(
          "step ", step_, ": ",
          found.not_finite == 0 && images_at_fault()
              ? str_cat(found.finding, " The pictures are the cause: the ", images_.size(),
                        " of this batch are blank or nearly the same, and embeddings cannot differ where "
                        "pictures do not. Look at them, and leave out blank ones and copies.")
              : found.verdict);
    }
  }

  /// Are the images of the last batch so nearly the same that they are the cause of a collapse?
  bool images_at_fault() {
    if (images_.empty()) return false;
    const auto some = images_.first(std::min<std::size_t>(images_.size(), 64));
    std::vector<float> pixels;
    trainer_.evaluation_views(some, pixels);
    return alike_images(pixels, pixels.size() / some.size());
  }

  const run_options& options_;
  any_trainer& trainer_;
  Loader& loader_;
  std::span<const image_view> images_;  // of the last batch, while the loader has it; empty if uploaded
  double earlier_seconds_ = 0;  // of earlier processes; declared before step_, because restore() sets it
  std::size_t step_;
  metrics_file metrics_;
  progress progress_;
  queue_depth depth_{options_.max_wait};
  std::vector<step_values> values_;  // of the steps enqueued last
  clock::time_point started_ = clock::now(), saved_ = clock::now();
};

}  // namespace detail

/// Trains until the last step, Ctrl-C, a collapse, or a loss that is NaN or infinite. Writes checkpoints and
/// metrics.csv into the folder; with `resume` continues from its checkpoint, bit for bit as if the run had
/// never stopped. An asynchronous device gets as many steps at a time as end within `max_wait` and before the
/// host needs a result. Throws std::runtime_error with one sentence on the problem and what to try. At most
/// one run per process at a time, because it handles the process's signals (`interrupt_guard`).
template <class Loader>
run_result run_training(const run_options& options, any_trainer& trainer, Loader& loader,
                        bool resume = false) {
  return detail::run_loop<Loader>{options, trainer, loader, resume}.run();
}

}  // namespace pretext::inline v0_1
