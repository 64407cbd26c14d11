// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/permutation.hpp>

namespace pretext::inline v0_1 {

/// The ascending indices of a subset with equally many images of every class, at least one: the 1 % and 10 %
/// of semi-supervised evaluation (Chen et al. 2020, B.5). It is a function of (labels, fraction, seed); the
/// subset of a smaller fraction is contained in that of a larger one. A class with too few images contributes
/// all of them. Throws std::invalid_argument for a fraction outside (0, 1] or a negative label.
inline std::vector<std::size_t> class_balanced_subset(std::span<const int> labels, double fraction,
                                                      std::uint64_t seed = 1) {
  expects(0 < fraction && fraction <= 1, "class_balanced_subset: a fraction of ", fraction,
          " must lie within (0, 1]");
  std::vector<std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    expects(labels[i] >= 0, "class_balanced_subset: the label ", labels[i], " of image ", i,
            " is negative; leave unlabelled images out");
    const auto label = static_cast<std::size_t>(labels[i]);
    if (label >= members.size()) members.resize(label + 1);
    members[label].push_back(i);
  }
  std::size_t classes = 0;
  for (const auto& of_class : members) classes += !of_class.empty();
  const double mean_size =
      classes == 0 ? 0 : static_cast<double>(labels.size()) / static_cast<double>(classes);
  const auto per_class = fraction == 1
                             ? labels.size()
                             : static_cast<std::size_t>(std::max(1., std::round(fraction * mean_size)));

  std::vector<std::size_t> subset;
  for (std::size_t label = 0; label < members.size(); ++label) {
    const auto& of_class = members[label];
    const permutation order{of_class.size(), seed, 0xFFFF0000u + static_cast<std::uint32_t>(label)};
    for (std::size_t i = 0; i < std::min(per_class, of_class.size()); ++i)
      subset.push_back(of_class[order[i]]);
  }
  std::ranges::sort(subset);
  return subset;
}

}  // namespace pretext::inline v0_1
