#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <pretext/runtime/any_trainer.hpp>

#include "compute_options.hpp"
#include "datasets.hpp"
#include "method_info.hpp"
#include "pictures.hpp"
#include "ranks.hpp"
#include "recipe.hpp"
#include "take_steps.hpp"

namespace programs {

/// A method as `pretrain` needs it. Its functions read the recipe, so a resumed run calls them only after
/// its recipe was read.
struct pretraining {
  method_info info;
  pretraining_recipe& config;
  /// Records in the recipe which files the run reads beside its images.
  std::function<void()> record_inputs;
  /// Throws an error if these files have changed since the run was started.
  std::function<void()> expects_inputs;
  std::function<std::unique_ptr<pretext::any_trainer>(const compute_options&)> make;
  std::function<std::vector<pretext::image_sheet>(pretext::any_trainer&, const datasets&)> pictures;
  /// Changes the values of a step that a method schedules in its own way.
  std::function<void(std::size_t step, std::size_t per_epoch, pretext::step_values&)> adjust;
};

/// Starts or resumes a pretraining and writes its results; returns the exit status of the program. Every rank
/// calls it; the first one alone writes.
int pretrain(const pretraining& method, const training_options& options, rank_engine& ranks);

}  // namespace programs
