// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <vector>

#include <pretext/core/is_finite.hpp>
#include <pretext/evaluation/nearest_neighbours.hpp>

namespace pretext::inline v0_1 {

/// The weighted kNN classifier (Wu et al. 2018, InstDisc): each of the k nearest rows of the bank votes for
/// its label with the weight exp(cosine/temperature). It needs no training.
struct knn {
  std::size_t k = 200;       ///< at most the size of the bank is used
  double temperature = 0.1;  ///< positive

  /// All classes of every query, (queries, classes), most votes first; classes with equal votes are in the
  /// order of their labels. Throws std::invalid_argument if labels are missing, widths differ or a feature is
  /// NaN or infinite.
  std::vector<int> rank(const labelled_view& bank, const feature_view& queries,
                        const cpu::stream& stream = {}) const {
    const std::size_t classes = classes_of(bank);
    std::vector<int> ranking(queries.count() * classes);
    for_each_vote(bank, queries, stream, [&](std::size_t query, const std::vector<double>& votes) {
      const std::span ranked{ranking.data() + query * classes, classes};
      std::iota(ranked.begin(), ranked.end(), 0);
      std::ranges::sort(ranked, [&](int a, int b) {
        const double votes_a = votes[static_cast<std::size_t>(a)],
                     votes_b = votes[static_cast<std::size_t>(b)];
        return votes_a != votes_b ? votes_a > votes_b : a < b;
      });
    });
    return ranking;
  }

  /// The share of the votes that each class gets, (queries, classes): scores for `measure_classification`.
  /// Throws as `rank` does.
  std::vector<float> shares(const labelled_view& bank, const feature_view& queries,
                            const cpu::stream& stream = {}) const {
    const std::size_t classes = classes_of(bank);
    std::vector<float> all(queries.count() * classes);
    for_each_vote(bank, queries, stream, [&](std::size_t query, const std::vector<double>& votes) {
      const double sum = std::accumulate(votes.begin(), votes.end(), 0.);
      for (std::size_t c = 0; c < classes; ++c) all[query * classes + c] = static_cast<float>(votes[c] / sum);
    });
    return all;
  }

  /// The number of queries whose label gets the most votes. Throws as `rank` does.
  std::size_t count_correct(const labelled_view& bank, const labelled_view& queries,
                            const cpu::stream& stream = {}) const {
    expects_labels(queries, "kNN, queries");
    const auto ranking = rank(bank, queries, stream);
    const std::size_t classes = ranking.size() / queries.count();
    std::size_t correct = 0;
    for (std::size_t i = 0; i < queries.count(); ++i) correct += ranking[i * classes] == queries.labels()[i];
    return correct;
  }
  /// The fraction of queries whose label gets the most votes (top-1 accuracy, in [0, 1]). Throws as `rank`
  /// does.
  double accuracy(const labelled_view& bank, const labelled_view& queries,
                  const cpu::stream& stream = {}) const {
    const auto correct = static_cast<double>(count_correct(bank, queries, stream));
    return correct / static_cast<double>(queries.count());
  }

 private:
  /// Calls `use(query, votes)` with the votes of each class.
  template <class Use>
  void for_each_vote(const labelled_view& bank, const feature_view& queries, const cpu::stream& stream,
                     const Use& use) const {
    expects_labels(bank, "kNN, bank");
    expects(temperature > 0 && detail::is_finite(temperature),
            "kNN: the temperature must be positive and finite, not ", temperature);
    const std::size_t classes = classes_of(bank);
    for_each_nearest(bank, queries, std::min(k, bank.count()), stream,
                     [&](std::size_t query, std::span<const neighbour> nearest) {
                       std::vector<double> votes(classes);
                       // Weights relative to the nearest row rank alike and cannot overflow.
                       const auto largest = static_cast<double>(nearest.front().similarity);
                       for (const neighbour& n : nearest)
                         votes[static_cast<std::size_t>(bank.labels()[n.index])] +=
                             std::exp((static_cast<double>(n.similarity) - largest) / temperature);
                       use(query, votes);
                     });
  }
};

}  // namespace pretext::inline v0_1
