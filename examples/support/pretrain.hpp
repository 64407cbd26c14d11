#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <pretext/runtime/any_trainer.hpp>

#include "pictures.hpp"
#include "processor.hpp"
#include "recipe.hpp"
#include "run_folder.hpp"

namespace programs {

/// What a program that trains is asked for: the recipe, and what does not change its result.
struct pretrain_options {
  recipe asked;
  std::filesystem::path out;
  processor where;
  std::size_t knn_every = 0;  // epochs; 0: never
  double checkpoint_seconds = 60;
  bool resume = false, overwrite = false, keep_going = false;
  bool load_batches = false;  // though the images would fit into the GPU's memory
};

/// The rates of a step, of so many.
using step_values = std::function<pretext::step_values(std::size_t step, std::size_t steps_per_epoch)>;

/// What is measured between epochs: columns of metrics.csv, and their values after an epoch, counted from 1.
struct epoch_measures {
  std::vector<std::string> columns{"knn"};
  std::function<std::map<std::string, double>(std::size_t epoch)> after;
};

using trainer_maker = std::function<std::unique_ptr<pretext::any_trainer>(const recipe&, const processor&)>;

/// Takes the steps of a run, new or resumed, on the images of `train`: progress on stderr, metrics,
/// checkpoints, Ctrl-C. `rates` and `measure` (after an epoch, for the columns `metric_names`) are asked as
/// it goes. Nothing is returned if it was stopped before its end.
std::optional<run_summary> take_steps(const pretrain_options& o, const run_folder& folder,
                                      const pretext::any_source& train, pretext::any_trainer& trainer,
                                      const step_values& rates, const epoch_measures& measure = {});

/// Runs or resumes a pretraining and leaves its results in the folder `out`; returns the program's exit
/// status.
int pretrain(pretrain_options o, const trainer_maker& make, const picture_maker& show = augmented_views);

}  // namespace programs
