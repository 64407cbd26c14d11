#pragma once
#include <optional>
#include <string>
#include <vector>

#include <pretext/data/image_list.hpp>
#include <pretext/runtime/run_state.hpp>

#include "datasets.hpp"
#include "recipe.hpp"
#include "run_folder.hpp"

namespace programs {

/// Locks the folder of a run and gives `config`, which has the values of the command line, those of the run.
/// `given`: the options of the command line. Epochs, the folder of the images and the policy on bad images
/// are taken from it, and said; another option that differs from the run is an error, as is a recipe.json
/// that differs from the checkpoint. Returns the state of the checkpoint; nothing if the run was stopped
/// before it wrote one.
std::optional<pretext::run_state> resume_run(run_folder& folder, recipe& config,
                                             const std::vector<std::string>& given);

/// Throws if the folder of a run's images is not there; the error says how to name another one.
void expects_data(const recipe& config);

/// Compares the images with those that the checkpoint was trained on, and records them in images.txt. An
/// error says what differs, unless `accept`, which says it on stderr.
void check_images(const run_folder& folder, const pretext::image_list& now,
                  const std::optional<pretext::run_state>& saved, bool accept);

}  // namespace programs
