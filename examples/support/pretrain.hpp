#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <pretext/runtime/any_trainer.hpp>

#include "compute_options.hpp"
#include "method_info.hpp"
#include "pictures.hpp"
#include "recipe.hpp"
#include "run_folder.hpp"

namespace programs {

/// How a training runs: everything that does not change its result, and therefore is not in its recipe.
struct training_options {
  std::filesystem::path out;
  compute_options compute;
  std::size_t knn_every = 0;  // epochs; 0: never
  double checkpoint_seconds = 60;
  bool resume = false, overwrite = false, keep_going = false;
  bool load_batches = false;  // even if the images fit into the GPU's memory
};

/// Learning rate and target momentum of a step.
using step_schedule = std::function<pretext::step_values(std::size_t step, std::size_t steps_per_epoch)>;

/// An evaluation between epochs: its columns of metrics.csv, and their values after an epoch, counted from 1.
struct epoch_evaluation {
  std::vector<std::string> columns{"knn"};
  std::function<std::map<std::string, double>(std::size_t epoch)> after;
};

/// Runs the steps of a new or resumed training on the images of `train`, with progress on stderr, metrics,
/// checkpoints and Ctrl-C. If it is interrupted, ends the process with `exit_interrupted`.
run_summary take_steps(const recipe& config, const training_options& options, const run_folder& folder,
                       const pretext::any_source& train, pretext::any_trainer& trainer,
                       const step_schedule& schedule, const epoch_evaluation& evaluation = {});

/// A method as `pretrain` needs it. Both functions read the recipe, so a resumed run calls them only after
/// its recipe was read.
struct pretraining {
  method_info info;
  recipe& config;
  std::function<std::unique_ptr<pretext::any_trainer>(const compute_options&)> make;
  std::function<std::vector<pretext::image_sheet>(pretext::any_trainer&, const datasets&)> pictures;
};

/// Starts or resumes a pretraining and writes its results; returns the exit status of the program.
int pretrain(const pretraining& method, const training_options& options);

}  // namespace programs
