// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/image.hpp>
#include <pretext/data/source.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/inference/inference_context.hpp>

namespace pretext::inline v0_1 {

/// The features of all images of a source, in its order, with their labels if all of them have one: for kNN
/// and linear probes. Holds 64 images at a time. Throws what reading an image throws.
template <class Encoder, Shape Images, class Context, Source S>
feature_table encode_source(inference_context<Encoder, Images, Context>& context, const S& source) {
  const std::size_t count = source.size();
  feature_table table{count, context.feature_size, {}, {}};
  std::vector<image> pictures(std::min<std::size_t>(64, count));
  std::vector<image_view> views;
  for (std::size_t first = 0; first < count; first += pictures.size()) {
    views.clear();
    for (std::size_t i = first; i < std::min(first + pictures.size(), count); ++i) {
      source.read(i, pictures[i - first]);
      views.push_back(pictures[i - first]);
      table.labels.push_back(source.label(i));
    }
    const std::span<const float> features = context.encode(views);
    table.values.insert(table.values.end(), features.begin(), features.end());
  }
  if (std::ranges::any_of(table.labels, [](int label) { return label < 0; })) table.labels.clear();
  return table;
}

}  // namespace pretext::inline v0_1
