#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <pretext/evaluation/nearest_neighbours.hpp>

namespace pretext {

/// The weighted vote of nearest neighbours (Wu et al. 2018, InstDisc): each of the nearest k rows of the bank
/// votes for its label with exp(cosine/temperature). No training; k is cut to the size of the bank.
struct knn {
  std::size_t k = 200;
  double temperature = 0.1;

  /// All classes of every query, most votes first, (queries, classes); of classes with equal votes the
  /// smaller label is first. Throws std::invalid_argument where labels are missing, widths differ or a
  /// feature is not finite.
  std::vector<int> rank(const feature_table& bank, const feature_table& queries,
                        const cpu::stream& stream = {}) const {
    expects_labels(bank, "kNN, bank");
    expects(temperature > 0, "kNN: the temperature must be positive, not ", temperature);
    const std::size_t classes = classes_of(bank);
    std::vector<int> ranking(queries.count * classes);
    for_each_nearest(bank, queries, std::min(k, bank.count), stream,
                     [&](std::size_t query, std::span<const neighbour> nearest) {
                       std::vector<double> votes(classes);
                       // Weights relative to the nearest: the same ranking at any temperature, without
                       // overflow.
                       const auto most = static_cast<double>(nearest.front().similarity);
                       for (const neighbour& n : nearest)
                         votes[static_cast<std::size_t>(bank.labels[n.index])] +=
                             std::exp((static_cast<double>(n.similarity) - most) / temperature);
                       const std::span own{ranking.data() + query * classes, classes};
                       std::iota(own.begin(), own.end(), 0);
                       std::ranges::stable_sort(own, [&](int a, int b) {
                         return votes[static_cast<std::size_t>(a)] > votes[static_cast<std::size_t>(b)];
                       });
                     });
    return ranking;
  }

  /// The share of queries whose label gets the most votes.
  double accuracy(const feature_table& bank, const feature_table& queries,
                  const cpu::stream& stream = {}) const {
    expects_labels(queries, "kNN, queries");
    const auto ranking = rank(bank, queries, stream);
    const std::size_t classes = ranking.size() / queries.count;
    std::size_t right = 0;
    for (std::size_t i = 0; i < queries.count; ++i) right += ranking[i * classes] == queries.labels[i];
    return static_cast<double>(right) / static_cast<double>(queries.count);
  }
};

}  // namespace pretext
