#pragma once
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>

#include <pretext/training/any_trainer.hpp>

#include "pictures.hpp"
#include "recipe.hpp"

namespace programs {

/// What a pretraining program is asked for: the recipe, and what does not change its result.
struct pretrain_options {
  recipe asked;
  std::filesystem::path out;
  std::size_t threads = 1;
  std::size_t knn_every = 0;  // epochs; 0: never
  double checkpoint_seconds = 60;
  bool resume = false, overwrite = false, keep_going = false;
};

using trainer_maker =
    std::function<std::unique_ptr<pretext::any_trainer>(const recipe&, std::size_t threads)>;

/// Runs or resumes a pretraining and leaves its results in the folder `out`; returns the program's exit
/// status.
int pretrain(pretrain_options o, const trainer_maker& make, const picture_maker& show = augmented_views);

}  // namespace programs
