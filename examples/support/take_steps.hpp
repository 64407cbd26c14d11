#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pretext/data/image_list.hpp>
#include <pretext/data/source.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/launch.hpp>
#include <pretext/runtime/any_trainer.hpp>

#include "compute_options.hpp"
#include "ranks.hpp"
#include "recipe.hpp"
#include "resumed_run.hpp"
#include "run_folder.hpp"

namespace programs {

/// How a training runs: everything that does not change its result, and therefore is not in its recipe.
struct training_options {
  std::filesystem::path out;
  compute_options compute;
  std::size_t knn_every = 0;  // epochs; 0: never
  double checkpoint_seconds = 60;
  bool resume = false, overwrite = false, keep_going = false;
  bool accept_changed_images = false;  // of a resumed run
  std::vector<std::string> given{};    // names of the options on the command line
  bool load_batches = false;           // even if the images fit into the GPU's memory
  std::string gpu_plans = "timed";     // or "first", or a file of another run
  bool init_report = false;            // a line for every tensor of --init
  std::string repeated_on_resume{};    // options that a resumed run needs again: " --knn-every 5"
  pretext::distributed::launch started{};
  double patience = 60;  // seconds that a rank waits for the others in a step, at least
};

/// Learning rate and target momentum of a step.
using step_schedule = std::function<pretext::step_values(std::size_t step, std::size_t steps_per_epoch)>;

/// What an evaluation between epochs has of one shard.
struct evaluated_shard {
  pretext::any_trainer& trainer;
  pretext::distributed::communicator<pretext::cpu>* others;  // null: the trainer has whole batches
};

/// An evaluation between epochs: its columns of metrics.csv, and their values after an epoch, counted from 1.
/// Every shard calls it; what the first one returns is written.
struct epoch_evaluation {
  std::vector<std::string> columns{"knn"};
  std::function<std::map<std::string, double>(std::size_t epoch, const evaluated_shard&)> after;
};

/// A training that has taken all its steps.
struct finished_training {
  run_summary summary;
  bool written = false;  // an earlier process has taken the last step and written encoder and summary
  int status = 0;        // exit status of the program; 1: something that follows the last step has failed
  bool ended = false;    // before the last step, on all ranks: with this status
};

/// The shards that this rank holds of a training, and a trainer for each.
struct held_shards {
  rank_shards& held;
  std::vector<std::unique_ptr<pretext::any_trainer>>& trainers;
  const pretext::image_list& images;  // all that were found
};

/// Runs the steps of a new training (`saved`: nothing) or of one that is resumed, on the images of `train`,
/// which were chosen from `found`, with progress on stderr, metrics, checkpoints and Ctrl-C. The folder must
/// be locked. If the run is interrupted, ends the process with `exit_interrupted`. `shards`: null for a
/// training whose batches are whole; `trainer` is the first of its trainers.
finished_training take_steps(recipe& config, const training_options& options, run_folder& folder,
                             const std::optional<pretext::run_state>& saved, const pretext::any_source& train,
                             const pretext::any_source& found, pretext::any_trainer& trainer,
                             const step_schedule& schedule, const epoch_evaluation& evaluation = {},
                             held_shards* shards = nullptr);

/// Lets the trainer's GPU choose its plans as --gpu-plans says; one of several `shards` does not time them,
/// because all must have the same. Call it before the first step; a resumed run then takes its own.
void choose_plans(const training_options& options, std::size_t shards, pretext::any_trainer& trainer);

/// Throws unless there are enough images for a batch.
void expects_batch(const recipe& config, const pretext::any_source& train);

/// Does what follows the training and can fail without loss; returns 0, or 1 after a sentence on stderr that
/// says where the encoder is (`what`: null: another shard says it).
int finish_with(const run_folder& folder, const char* what, const std::function<void()>& work);

/// All images that the recipe's data set has.
pretext::image_list images_of_run(const recipe& config, const pretext::any_source& found,
                                  std::size_t threads);

}  // namespace programs
