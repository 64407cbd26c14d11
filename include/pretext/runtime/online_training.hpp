// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/image.hpp>
#include <pretext/data/image_reservoir.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/run_state.hpp>

namespace pretext::inline v0_1 {

/// What an `online_training` learns with.
struct online_options {
  std::size_t batch = 32;  ///< images per step, at least 2
  /// Learning rate and momentum of step 0, 1, …
  std::function<step_values(std::size_t)> schedule = [](std::size_t) {
    return step_values{.learning_rate = .01};
  };
  std::uint64_t seed = 1;  ///< of the views and masks
};

/// Learns from images in memory while others are pushed, a bounded time per call: for a robot or a camera
/// that goes on working. The smallest piece of work is one step of one batch; a call starts no step that
/// would not end in time. It handles no signals, starts no threads beside the trainer's, writes no files
/// unless told so, and allocates nothing after the first step of a batch. One thread at a time may call it;
/// any thread may push images, and encode with an `encoder_model` of its own.
class online_training {
 public:
  using clock = std::chrono::steady_clock;

  /// Both must outlive it. Throws std::invalid_argument for a batch that is smaller than 2 or larger than the
  /// reservoir, or without a schedule.
  online_training(any_trainer& trainer, const image_reservoir& images, online_options options)
      : trainer_{trainer}, images_{images}, options_{std::move(options)} {
    expects(options_.batch >= 2 && options_.batch <= images.capacity(), "online_training: batches of ",
            options_.batch, " images must have at least 2 and at most the ", images.capacity(),
            " that the reservoir holds");
    expects(options_.schedule != nullptr, "online_training: give it a schedule of learning rates");
  }

  /// Takes the steps that end within `budget` if each takes as long as the longest of the last ones, until a
  /// stop is requested; returns their number. 0 if the reservoir holds less than a batch, or if a step takes
  /// longer than the budget: choose a smaller batch. The very first step, whose time is unknown, is taken
  /// whatever it takes; call `choose_batch` or `measure` before if it must not. Throws non_finite_loss as
  /// `any_trainer::step` does.
  std::size_t work_for(clock::duration budget, const std::stop_token& stop = {}) {
    const auto end = clock::now() + budget;
    std::size_t taken = 0;
    while (!stop.stop_requested() && images_.size() >= options_.batch) {
      if (clock::now() + expected() > end) {
        if (taken == 0) forget_longest();  // it may have been another program's fault
        break;
      }
      step();
      ++taken;
    }
    return taken;
  }

  /// Takes one step, whatever it takes, and returns its loss. Throws std::invalid_argument if the reservoir
  /// holds less than a batch, non_finite_loss as `any_trainer::step` does.
  double step() {
    expects_batch("taken");
    take_step();
    ++steps_;
    return loss_;
  }

  /// Measures a step of the batch and leaves the training as it was: three steps are taken and undone.
  /// Returns the longest but the first, which allocates; throws std::invalid_argument if the reservoir holds
  /// less than a batch.
  clock::duration measure() {
    expects_batch("measured");
    const undo_steps saved{*this};
    take_step();
    measured_ = 0;
    for (int i = 0; i < 2; ++i) take_step();
    return expected();
  }

  /// Sets the batch to the largest of 2, 4, 8, … up to the present one whose measured step takes at most
  /// `longest`, and returns it; the training stays as it was. Throws std::runtime_error if a step of 2 images
  /// takes longer.
  std::size_t choose_batch(clock::duration longest) {
    const std::size_t most = std::min(options_.batch, images_.size());
    std::size_t chosen = 0;
    for (std::size_t batch = 2; batch <= most; batch *= 2) {
      options_.batch = batch;
      const auto time = measure();
      if (time > longest && chosen == 0)
        throw_error<std::runtime_error>(
            "online_training: a step of 2 images takes ", milliseconds(time), " ms, longer than ",
            milliseconds(longest), " ms; choose a smaller encoder or smaller images, or allow more time");
      if (time > longest) break;
      chosen = batch;
    }
    expects(chosen > 0, "online_training: the reservoir holds ", images_.size(),
            " images; push at least 2 first");
    if (options_.batch != chosen) {
      options_.batch = chosen;
      measure();
    }
    return chosen;
  }

  std::size_t batch() const { return options_.batch; }
  /// Steps taken since the start of the training, those before a checkpoint included.
  std::size_t steps() const { return steps_; }
  /// Of the last step.
  double loss() const { return loss_; }
  /// How long a step is expected to take: the longest of the last ones; 0 before the first.
  clock::duration expected() const {
    return measured_ == 0 ? clock::duration{} : *std::max_element(last_.begin(), last_.begin() + count());
  }

  /// Writes a checkpoint of the trainer and the number of steps; the images are not in it.
  void save(const std::filesystem::path& path) {
    save_checkpoint(path, trainer_, {{"step", str_cat(steps_)}, {"loss", str_cat(loss_)}});
  }
  /// Continues from such a checkpoint. Throws std::runtime_error that names the file, and changes nothing, if
  /// it is of another training.
  void load(const std::filesystem::path& path) {
    const auto metadata = read_safetensors_metadata(path);
    const detail::run_metadata entries{metadata, path.string()};
    const auto steps = entries.number<std::size_t>("step");
    const auto loss = entries.number<double>("loss");
    load_checkpoint(path, trainer_);
    steps_ = steps;
    loss_ = loss;
  }

 private:
  /// Puts back everything that a checkpoint would hold.
  class undo_steps {
   public:
    explicit undo_steps(online_training& training) : training_{training}, loss_{training.loss_} {
      training_.trainer_.for_each_buffer(
          [&](const saved_buffer& b) { b.read(contents_.emplace_back(b.bytes()).data()); });
    }
    undo_steps(const undo_steps&) = delete;
    undo_steps& operator=(const undo_steps&) = delete;
    ~undo_steps() {
      std::size_t i = 0;
      training_.trainer_.for_each_buffer([&](const saved_buffer& b) { b.write(contents_[i++].data()); });
      training_.loss_ = loss_;
    }

   private:
    online_training& training_;
    double loss_;
    std::vector<std::vector<std::byte>> contents_;
  };

  static double milliseconds(clock::duration time) {
    return std::chrono::duration<double, std::milli>(time).count();
  }
  std::ptrdiff_t count() const { return static_cast<std::ptrdiff_t>(std::min(measured_, last_.size())); }

  void expects_batch(const char* what) const {
    expects(images_.size() >= options_.batch, "online_training: a step of ", options_.batch,
            " images cannot be ", what, " with the ", images_.size(), " that the reservoir holds");
  }

  void take_step() {
    const auto began = clock::now();
    const auto number = static_cast<std::uint32_t>(steps_);
    images_.draw(options_.batch, number, drawn_, numbers_);
    views_.assign(drawn_.begin(), drawn_.end());
    loss_ = trainer_.step({.epoch = number, .images = views_, .samples = numbers_, .seed = options_.seed},
                          options_.schedule(steps_));
    last_[measured_++ % last_.size()] = clock::now() - began;
  }

  void forget_longest() {
    if (count() < 2) return;
    const auto end = last_.begin() + count();
    *std::max_element(last_.begin(), end) = *(end - 1);
    measured_ = static_cast<std::size_t>(count()) - 1;
  }

  any_trainer& trainer_;
  const image_reservoir& images_;
  online_options options_;
  std::size_t steps_ = 0;
  double loss_ = 0;
  std::array<clock::duration, 8> last_{};  // durations of the last steps of this batch
  std::size_t measured_ = 0;
  std::vector<image> drawn_;
  std::vector<std::uint64_t> numbers_;
  std::vector<image_view> views_;
};

}  // namespace pretext::inline v0_1
