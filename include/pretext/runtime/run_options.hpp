// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/folder_lock.hpp>

namespace pretext::inline v0_1 {

/// Thrown by work between two steps, such as an evaluation, that ends early because a stop was requested.
class interrupted : public std::runtime_error {
 public:
  interrupted() : std::runtime_error{"a stop was requested"} {}
};

/// The length of a run, with or without labels, what it measures, and the files that it writes. The trainer
/// and the loader decide what the run computes.
struct run_options {
  std::size_t steps = 0, steps_per_epoch = 1;
  std::size_t batch = 256;  ///< images per step, for the speed that the progress shows
  std::function<step_values(std::size_t)> schedule{};  ///< learning rate and momentum of step 0, 1, …
  std::filesystem::path folder{};  ///< where checkpoint.safetensors and metrics.csv are written
  double checkpoint_seconds = 60;  ///< longest time between two checkpoints
  std::size_t monitor_every = 25;  ///< steps between two rows of metrics.csv
  /// Ends the run after the step that is being computed; it saves first. No signal is handled unless the
  /// program does: `interrupt_guard::token()` is for programs that stop by Ctrl-C.
  std::stop_token stop{};
  double max_wait = 0.5;         ///< seconds that the host waits for queued steps before it looks at `stop`
  bool stop_on_collapse = true;  ///< ends the run if the embeddings have collapsed
  std::vector<std::string> metric_names{"knn"};  ///< columns of metrics.csv that `after_epoch` fills
  /// Measures after an epoch (1, 2, …); may be empty. It should throw `interrupted` once a stop is requested;
  /// its cells then stay empty. What else it throws ends the run, which saves first. Every shard calls it, so
  /// that they can share the work; what the first one returns is written.
  std::function<std::map<std::string, double>(std::size_t)> after_epoch{};
  std::string config_fingerprint{};  ///< must be equal when a run is resumed: the recipe, for example
  /// Must be equal, too: `fingerprint(list_images(source, root))`. Empty, here or in the checkpoint: not
  /// compared.
  std::string data_fingerprint{};
  bool compare_fingerprints = true;  ///< false: the caller has compared those of `read_run_state`
  /// A lock of `folder` that the caller holds; null: the run locks it.
  const folder_lock* lock = nullptr;
  /// Connects the shards of the batches, which the trainer must have as well; null: batches are whole. Every
  /// shard makes a run with the same options. The first one alone writes files and progress, and decides when
  /// to save; a stop of any shard stops all after the same step.
  distributed::communicator<cpu>* communicator = nullptr;
  /// How long a shard waits for the others in a step, at least: `distributed::patience`.
  std::chrono::milliseconds patience = std::chrono::minutes{1};
};

/// How a run ended.
struct run_result {
  std::size_t steps = 0;        ///< taken since the start of the training
  double loss = 0;              ///< of the last step
  double seconds = 0;           ///< since the start of the training, without pauses
  std::size_t peak_memory = 0;  ///< bytes of activations and workspace
  /// Index and fault of each image that was replaced since the start of the training.
  std::map<std::size_t, std::string> skipped{};
  bool interrupted = false;  ///< by `run_options::stop`, before the last step
  bool failed = false;       ///< the run of the first shard has ended with an exception, which says why
};

}  // namespace pretext::inline v0_1
