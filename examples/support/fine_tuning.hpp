#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

#include <pretext/runtime/any_classifier.hpp>

#include "datasets.hpp"
#include "pretrain.hpp"
#include "recipe.hpp"

namespace programs {

/// The recipe that suits an encoder where nothing else is asked for: short runs on few labels.
recipe fine_tuning_recipe(const std::string& encoder);

/// What a run of pretraining says about its encoder and its images, put into a recipe of fine-tuning.
void follow_run(const std::filesystem::path& run, recipe& asked);

/// Runs or resumes a fine-tuning and leaves its results in the folder `out`; returns the program's exit
/// status. `test_every`: epochs between two looks at the test images, 0: at the end alone.
int fine_tune(pretrain_options o, std::size_t test_every);

}  // namespace programs
