#pragma once
#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/collapse.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/interrupt.hpp>
#include <pretext/runtime/metrics.hpp>
#include <pretext/runtime/progress.hpp>
#include <pretext/runtime/steps_ahead.hpp>
#include <pretext/training/non_finite_loss.hpp>

namespace pretext {

/// How a run of any training, with or without labels, goes on and what it leaves behind; what it computes is
/// decided by the trainer and the loader.
struct run_options {
  std::size_t steps = 0, steps_per_epoch = 1, batch = 256;
  std::uint64_t seed = 1;
  std::function<any_trainer::rates(std::size_t)> rates;  ///< of the step that comes next, counted from 0
  std::filesystem::path folder;                          ///< checkpoint.safetensors and metrics.csv go here
  double checkpoint_seconds = 60;                        ///< at least every so often, and after every epoch
  std::size_t monitor_every = 25;                        ///< steps between two looks at the embeddings
  double max_wait = 0.5;  ///< seconds that a device which runs apart may be left alone, and Ctrl-C unheard
  bool stop_on_collapse = true;
  std::vector<std::string> metric_names{"knn"};  ///< columns of metrics.csv that `after_epoch` fills
  std::function<std::map<std::string, double>(std::size_t)> after_epoch;  ///< may be empty
  std::string config_fingerprint;  ///< what must be the same when a run is resumed, e.g. its recipe
};

/// How a run ended.
struct run_result {
  std::size_t steps = 0;
  double loss = 0, seconds = 0;
  bool interrupted = false;
};

/// For `pretrain`, instead of a loader: the device makes the batches of the images that its trainer keeps.
struct device_batches_tag {};

namespace detail {

/// A run in motion: where it stands, and what it writes.
template <class Loader>
class run_loop {
 public:
  run_loop(const run_options& settings, any_trainer& trainer, Loader& loader, bool resume)
      : settings_{settings},
        trainer_{trainer},
        loader_{loader},
        step_{resume ? restore() : 0},
        metrics_{settings.folder / "metrics.csv", columns(settings, trainer), step_},
        progress_{settings.steps, settings.batch} {
    if constexpr (!std::same_as<Loader, device_batches_tag>)
      loader_.seek(static_cast<std::uint32_t>(step_ / settings_.steps_per_epoch),
                   step_ % settings_.steps_per_epoch);
  }

  run_result run() {
    const interrupt_guard guard;
    run_result result;
    while (step_ < settings_.steps && !interrupt_guard::asked()) {
      const auto began = clock::now();
      const auto losses = take(ahead_.steps(undisturbed(), settings_.checkpoint_seconds - since(saved_)));
      ahead_.report_duration(losses.size(), since(began));
      step_ += losses.size();
      result.loss = losses.back();
      progress_.show(step_, result.loss);
      observe(result.loss, rates_[losses.size() - 1]);
      if (since(saved_) > settings_.checkpoint_seconds && step_ < settings_.steps) save();
    }
    result.interrupted = step_ < settings_.steps;
    save();
    progress_.finish();
    result.steps = step_;
    result.seconds = earlier_ + since(started_);
    return result;
  }

 private:
  using clock = std::chrono::steady_clock;
  static double since(clock::time_point then) {
    return std::chrono::duration<double>(clock::now() - then).count();
  }
  /// Steps until the host needs what they have left.
  std::size_t undisturbed() const {
    return std::min({trainer_.max_queued(), settings_.steps - step_, until_next(settings_.steps_per_epoch),
                     until_next(settings_.monitor_every)});
  }
  std::size_t until_next(std::size_t every) const { return every - step_ % every; }

  /// The losses of so many steps, or fewer.
  std::span<const double> take(std::size_t steps) try {
    put(steps);
    return trainer_.wait_losses();
  } catch (const non_finite_loss& broken) {
    progress_.finish();
    const std::size_t last = step_ + rates_.size();
    fail<non_finite_loss>(
        last == step_ + 1 ? sentence("step ", last) : sentence("steps ", step_ + 1, " to ", last), ": ",
        broken.what());
  }

  /// Asks for so many steps, or fewer if somebody wants to stop while the host loads them.
  void put(std::size_t steps) {
    rates_.clear();
    for (std::size_t i = 0; i < steps; ++i) rates_.push_back(settings_.rates(step_ + i));
    if constexpr (std::same_as<Loader, device_batches_tag>) {
      trainer_.enqueue_uploaded(step_, rates_);
    } else {
      for (std::size_t i = 0; i < steps && (i == 0 || !interrupt_guard::asked()); ++i) {
        const auto batch = loader_.next();
        const auto epoch = static_cast<std::uint32_t>((step_ + i) / settings_.steps_per_epoch);
        trainer_.enqueue(batch.images, batch.samples, settings_.seed, epoch, rates_[i]);
      }
    }
  }

  /// What is measured; methods without embeddings or without a target have no columns for them.
  static std::vector<std::string> columns(const run_options& settings, any_trainer& trainer) {
    std::vector<std::string> names{"step", "epoch", "loss", "learning_rate", "images_per_second"};
    if (trainer.last_embeddings().width > 0)
      names.insert(names.end(), {"embedding_spread", "effective_rank"});
    names.insert(names.end(), settings.metric_names.begin(), settings.metric_names.end());
    if (trainer.has_target()) names.push_back("target_momentum");
    return names;
  }
  std::filesystem::path checkpoint() const { return settings_.folder / "checkpoint.safetensors"; }

  std::size_t restore() {
    const auto about = load_checkpoint(checkpoint(), trainer_);
    const auto word = [&](const char* name) {
      const auto found = about.find(name);
      if (found == about.end()) fail<std::runtime_error>(checkpoint().string(), ": does not say its ", name);
      return found->second;
    };
    if (word("identity") != settings_.config_fingerprint)
      fail<std::runtime_error>(checkpoint().string(),
                               ": belongs to a run with other settings; it was made with ", word("identity"),
                               " and this run has ", settings_.config_fingerprint);
    earlier_ = std::stod(word("seconds"));
    return std::stoull(word("step"));
  }

  void save() {
    save_checkpoint(checkpoint(), trainer_,
                    {{"step", std::to_string(step_)},
                     {"seconds", std::to_string(earlier_ + since(started_))},
                     {"identity", settings_.config_fingerprint}});
    saved_ = clock::now();
  }

  /// Metrics of a step; stops a collapsed run after it has been saved.
  void observe(double loss, any_trainer::rates rates) {
    const bool epoch_ends = step_ % settings_.steps_per_epoch == 0;
    if (!epoch_ends && step_ % settings_.monitor_every != 0) return;
    std::map<std::string, double> row{{"epoch", double(step_) / double(settings_.steps_per_epoch)},
                                      {"loss", loss},
                                      {"learning_rate", rates.learning_rate},
                                      {"images_per_second", progress_.images_per_second()}};
    if (rates.target_momentum) row.insert({"target_momentum", *rates.target_momentum});
    collapse seen;
    if (const auto z = trainer_.last_embeddings(); z.width > 0) {
      seen = look_for_collapse(
          feature_table{z.values.size() / z.width, z.width, {z.values.begin(), z.values.end()}, {}});
      row.insert(
          {{"embedding_spread", seen.std / seen.uniform_std}, {"effective_rank", seen.effective_rank}});
    }
    if (epoch_ends && settings_.after_epoch)
      row.merge(settings_.after_epoch(step_ / settings_.steps_per_epoch));
    metrics_.add(step_, row);
    // A network that has hardly begun may look collapsed; numbers that are not finite never mend.
    const bool settled = step_ >= settings_.steps / 10;
    if (settings_.stop_on_collapse && seen.collapsed && (settled || seen.not_finite > 0)) {
      save();
      progress_.finish();
      fail<std::runtime_error>("step ", step_, ": ", seen.verdict);
    }
  }

  const run_options& settings_;
  any_trainer& trainer_;
  Loader& loader_;
  double earlier_ = 0;  // before step_: restore() sets it
  std::size_t step_;
  metrics metrics_;
  progress progress_;
  steps_ahead ahead_{settings_.max_wait};
  std::vector<any_trainer::rates> rates_;  // of the steps that were asked for last
  clock::time_point started_ = clock::now(), saved_ = clock::now();
};

}  // namespace detail

/// Pretrains until the last step, Ctrl-C, a collapse or a loss that is no number, saving on the way; with
/// `resume` it goes on from the folder's checkpoint, bit for bit as if it had never stopped. Throws
/// std::runtime_error with a sentence that says what was seen and what to try. A device that runs apart is
/// asked for as many steps at a time as nobody has to look between.
template <class Loader>
run_result pretrain(const run_options& settings, any_trainer& trainer, Loader& loader, bool resume = false) {
  return detail::run_loop<Loader>{settings, trainer, loader, resume}.run();
}

}  // namespace pretext
