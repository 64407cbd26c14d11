#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/data/permutation.hpp>

namespace pretext {

/// Indices, ascending, of a part of some labelled images with equally many of every class, at least one: the
/// 1 % and 10 % of semi-supervised evaluation (Chen et al. 2020, B.5). Depends on (labels, fraction, seed)
/// alone; a smaller fraction is a part of a larger one. A class that lacks images gives all that it has.
/// Throws std::invalid_argument for a fraction outside (0, 1] or a negative label.
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
  const double share = classes == 0 ? 0 : static_cast<double>(labels.size()) / static_cast<double>(classes);
  const auto wanted =
      fraction == 1 ? labels.size() : static_cast<std::size_t>(std::max(1., std::round(fraction * share)));

  std::vector<std::size_t> chosen;
  for (std::size_t label = 0; label < members.size(); ++label) {
    const auto& of_class = members[label];
    const permutation order{of_class.size(), seed, 0xFFFF0000u + static_cast<std::uint32_t>(label)};
    for (std::size_t i = 0; i < std::min(wanted, of_class.size()); ++i) chosen.push_back(of_class[order[i]]);
  }
  std::ranges::sort(chosen);
  return chosen;
}

}  // namespace pretext
