#pragma once
#include <vector>

#include <pretext/data/source.hpp>
#include <pretext/io/sample_levels.hpp>

#include "recipe.hpp"

// What a recipe says about the samples of its images, in words or in numbers that were measured.
namespace programs {

/// Mean and standard deviation of each channel.
struct channel_normalisation {
  std::vector<float> mean, deviation;
};

/// The values of `config.normalisation` for `config.channels`: "none", "cifar", "imagenet", or numbers such
/// as "0.5,0.4/0.2,0.2", the means and the deviations. Throws std::invalid_argument for anything else.
channel_normalisation normalisation_of(const recipe& config);

/// The levels that `config.levels` names: "type", "LOW:HIGH" in samples, or "LOW%:HIGH%" of each image.
/// Throws std::invalid_argument for anything else.
pretext::sample_levels levels_of(const recipe& config);

/// Does the recipe leave levels or normalisation to the training images?
bool is_measured(const recipe& config);

/// Replaces the "data" of `--levels data` and `--normalise data` by numbers, which are measured on the
/// training images as they are stored: their 0.1st and 99.9th percentile, then mean and deviation of each
/// channel. Says the numbers on stderr.
void measure_images(const pretext::any_source& stored, recipe& config);

}  // namespace programs
