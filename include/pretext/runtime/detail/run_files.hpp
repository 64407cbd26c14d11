// SPDX-License-Identifier: MIT
#pragma once
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/file.hpp>
#include <pretext/runtime/any_trainer.hpp>
#include <pretext/runtime/checkpoint.hpp>
#include <pretext/runtime/folder_lock.hpp>
#include <pretext/runtime/run_options.hpp>
#include <pretext/runtime/run_state.hpp>

// The files in the folder of a run.
namespace pretext::inline v0_1::detail {

inline std::filesystem::path checkpoint_of(const run_options& options) {
  return options.folder / "checkpoint.safetensors";
}

/// Locks the folder, unless the caller has, and deletes what a killed run has left in it.
inline std::unique_ptr<folder_lock> lock_run(const run_options& options) {
  auto lock = options.lock ? nullptr : std::make_unique<folder_lock>(options.folder);
  for (const char* name : {"checkpoint.safetensors", "metrics.csv"})
    remove_partial_files(options.folder / name);
  return lock;
}

/// The columns of metrics.csv; a method without embeddings or without a target has no columns for them, nor
/// has a schedule without weight decay.
inline std::vector<std::string> columns_of(const run_options& options, any_trainer& trainer) {
  std::vector<std::string> names{"step", "epoch", "loss", "learning_rate", "images_per_second"};
  if (trainer.last_embeddings().width > 0) names.insert(names.end(), {"embedding_spread", "effective_rank"});
  names.insert(names.end(), options.metric_names.begin(), options.metric_names.end());
  if (trainer.has_target()) names.push_back("target_momentum");
  if (options.schedule && options.schedule(0).weight_decay) names.push_back("weight_decay");
  return names;
}

inline bool same_data(const run_options& options, const run_state& saved) {
  return options.data_fingerprint.empty() || saved.data_fingerprint == options.data_fingerprint;
}
inline bool same_fingerprints(const run_options& options, const run_state& saved) {
  return saved.config_fingerprint == options.config_fingerprint && same_data(options, saved);
}

/// Reads the checkpoint into the trainer and returns the run's state. Throws std::runtime_error that names
/// the file if it belongs to another run, or is beyond the last step of this one.
inline run_state restore_run(const run_options& options, any_trainer& trainer) {
  const auto file = checkpoint_of(options).string();
  run_state saved = read_run_state(checkpoint_of(options));
  if (options.compare_fingerprints && saved.config_fingerprint != options.config_fingerprint)
    throw_error<std::runtime_error>(file, ": belongs to a run with other settings; it was made with ",
                                    saved.config_fingerprint, " and this run has ",
                                    options.config_fingerprint);
  const bool other_data = !saved.data_fingerprint.empty() && !same_data(options, saved);
  if (options.compare_fingerprints && other_data)
    throw_error<std::runtime_error>(file, ": belongs to a run on other images; it was made with ",
                                    saved.data_fingerprint, " and this run has ", options.data_fingerprint);
  if (saved.step > options.steps)
    throw_error<std::runtime_error>(file, ": is at step ", saved.step, ", and this run ends at step ",
                                    options.steps, "; give it more epochs");
  load_checkpoint(checkpoint_of(options), trainer);
  if (other_data) saved.skipped.clear();  // their indices count other images
  return saved;
}

}  // namespace pretext::inline v0_1::detail
