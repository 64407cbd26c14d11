#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/source.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// The images that a run learns from, and those that it is evaluated on, which may be empty.
struct datasets {
  pretext::any_source train, test;
  std::string unlabelled;  // why there are no labels to evaluate with, as a sentence; empty if there are
};

/// Opens the recipe's images for pretraining, which needs no labels: a test part that is missing or damaged,
/// and images without a class, are no errors. Says on stderr what is left out. Throws an error that names the
/// path if there are no images to learn from.
datasets open_datasets(const recipe& config);

/// Opens the recipe's images for what needs labels, such as "evaluation": images without a class are left
/// out. Throws std::runtime_error that says why if no labelled training or test images remain.
datasets open_labelled_datasets(const recipe& config, const std::string& purpose);

/// The images of a source that have a class.
pretext::any_source labelled_images(const pretext::any_source& source);

/// Calls `use(images, first)` for batches of a few hundred images of the source, in order; `first` is the
/// index of the first one. The next batch is decoded in the background.
void for_each_batch(const pretext::any_source& source, std::size_t threads,
                    const std::function<void(std::span<const pretext::image_view>, std::size_t)>& use);

/// The encoder's features of all images of a source, with their labels.
pretext::feature_table encode(pretext::any_encoder& encoder, const pretext::any_source& source,
                              std::size_t threads);

/// All images of a source as the encoder sees them, averaged down to about 32 x 32 pixels: a baseline.
pretext::feature_table pixels(pretext::any_encoder& encoder, const pretext::any_source& source,
                              std::size_t threads);

}  // namespace programs
