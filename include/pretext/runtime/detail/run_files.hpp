// SPDX-License-Identifier: MIT
#pragma once
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
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
  for (const char* name : {"checkpoint.safetensors", "metrics.csv", "gpu_plans.txt"})
    remove_partial_files(options.folder / name);
  return lock;
}

inline std::filesystem::path plans_of(const run_options& options) { return options.folder / "gpu_plans.txt"; }

/// Writes the plans that a GPU has chosen; every checkpoint comes after those of its steps.
inline void save_plans(const run_options& options, const any_trainer& trainer) {
  if (const std::string text = trainer.plans(); !text.empty()) write_atomically(plans_of(options), text);
}

/// Lets the trainer's GPU use the plans of the run; says why where it cannot. Throws std::runtime_error that
/// names the file if it cannot be read.
inline void restore_plans(const run_options& options, any_trainer& trainer) {
  const auto file = plans_of(options);
  if (std::error_code ignored; !std::filesystem::exists(file, ignored)) return;
  const auto bytes = read_file(file);
  try {
    const std::string obstacle =
        trainer.take_plans({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    if (!obstacle.empty()) std::fprintf(stderr, "%s: %s\n", file.string().c_str(), obstacle.c_str());
  } catch (const std::runtime_error& error) {
    throw_error<std::runtime_error>(
        file.string(), ": ", error.what(),
        "; delete the file to choose plans anew, which changes results by rounding");
  }
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
  restore_plans(options, trainer);
  if (other_data) saved.skipped.clear();  // their indices count other images
  return saved;
}

}  // namespace pretext::inline v0_1::detail
