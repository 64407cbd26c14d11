#pragma once
#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <pretext/data/builtin.hpp>
#include <pretext/data/open.hpp>
#include <pretext/data/source.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/runtime/any_encoder.hpp>

#include "recipe.hpp"

namespace programs {

/// The images that a run learns from and those it is tested on; the second may be empty.
struct datasets {
  pretext::any_source train, test;
};

/// Opens what the recipe names. Throws with a sentence that names the path if there is nothing to learn from.
datasets open_datasets(const recipe& asked);

/// Does every image of the source have a class?
bool labelled(const pretext::any_source& source);

/// Calls `use(images, first)` for the whole source in order, a few hundred images at a time, decoded in the
/// background.
void for_each_batch(const pretext::any_source& source, std::size_t threads,
                    const std::function<void(std::span<const pretext::image_view>, std::size_t)>& use);

/// The encoder's features of a whole source, with its labels.
pretext::feature_table encode(pretext::any_encoder& encoder, const pretext::any_source& source,
                              std::size_t threads);

/// Pixels of a whole source as the encoder sees them, at most about 32 x 32 of them: the baseline to beat.
pretext::feature_table pixels(pretext::any_encoder& encoder, const pretext::any_source& source,
                              std::size_t threads);

}  // namespace programs
