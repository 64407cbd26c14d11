// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <queue>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/feature_bank.hpp>

namespace pretext::inline v0_1 {

/// How `diverse_subset` chooses the next row.
enum class subset_rule {
  /// The one that brings all rows nearest to the subset: greedy facility location. Typical rows first; of the
  /// rules measured, few labels are worth most with this one.
  coverage,
  /// The one farthest from those chosen before: k-centre greedy (Gonzalez 1985; Sener & Savarese 2018). Odd
  /// rows first: finds rare kinds.
  farthest
};

/// A row of a diverse subset.
struct diverse_row {
  std::size_t index = 0;
  /// How well the subset covers the bank up to this row, in [-1, 1]: the mean over the rows (`coverage`), or
  /// the minimum (`farthest`), of the cosine similarity to the nearest chosen row.
  float coverage = 0;

  friend constexpr bool operator==(const diverse_row&, const diverse_row&) = default;
};

namespace detail {

/// Chooses rows of a bank one after the other.
class subset_chooser {
 public:
  subset_chooser(const feature_bank& bank, const cpu::stream& stream)
      : unit_{bank.unit()}, stream_{stream}, similarity_(bank.size(), -1.f), taken_(bank.size()) {}

  /// Adds a row to the subset.
  void take(std::size_t index) {
    taken_[index] = 1;
    stream_.for_each_run(similarity_.size(), 256, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i)
        similarity_[i] = std::max(similarity_[i], product(unit_.row(i), unit_.row(index)));
    });
  }
  bool is_taken(std::size_t index) const { return taken_[index] != 0; }
  std::size_t left() const { return static_cast<std::size_t>(std::ranges::count(taken_, char{0})); }
  float smallest_similarity() const { return std::ranges::min(similarity_); }
  float mean_similarity() const {
    double sum = 0;
    for (const float value : similarity_) sum += static_cast<double>(value);
    return static_cast<float>(sum / static_cast<double>(similarity_.size()));
  }

  /// The row farthest from the subset; the most typical one if there is none yet.
  std::size_t farthest() const {
    std::size_t found = similarity_.size();
    for (std::size_t i = 0; i < similarity_.size(); ++i)
      if (!taken_[i] && (found == similarity_.size() || similarity_[i] < similarity_[found])) found = i;
    return found;
  }

  /// The row that raises the similarities of `witnesses` most. A gain can only shrink while the subset grows,
  /// so most of the old ones need not be computed again (Minoux 1978).
  std::size_t best(std::span<const std::size_t> witnesses) {
    if (gains_.empty()) all_gains(witnesses);
    for (;;) {
      const auto [gain, negative_index] = gains_.top();
      const auto index = static_cast<std::size_t>(-negative_index);
      gains_.pop();
      if (taken_[index]) continue;
      const double now = gain_of(index, witnesses);
      if (gains_.empty() || now >= gains_.top().first) return index;
      gains_.emplace(now, negative_index);
    }
  }

 private:
  float product(const float* a, const float* b) const {
    float sum[8] = {};
    const std::size_t width = unit_.width();
    std::size_t c = 0;
    for (; c + 8 <= width; c += 8)
      for (std::size_t i = 0; i < 8; ++i) sum[i] += a[c + i] * b[c + i];
    for (; c < width; ++c) sum[0] += a[c] * b[c];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
  }

  double gain_of(std::size_t index, std::span<const std::size_t> witnesses) const {
    std::vector<float> gain(witnesses.size());
    stream_.for_each_run(gain.size(), 256, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i)
        gain[i] =
            std::max(0.f, product(unit_.row(witnesses[i]), unit_.row(index)) - similarity_[witnesses[i]]);
    });
    double sum = 0;
    for (const float value : gain) sum += static_cast<double>(value);
    return sum;
  }

  void all_gains(std::span<const std::size_t> witnesses) {
    std::vector<float> rows;
    for (const std::size_t row : witnesses)
      rows.insert(rows.end(), unit_.row(row), unit_.row(row) + unit_.width());
    std::vector<double> sum(similarity_.size());
    for_each_product_block(
        unit_, feature_view{rows, unit_.width()}, stream_,
        [&](std::size_t first, std::size_t block, std::size_t done, std::size_t part, const float* product) {
          stream_.for_each_run(block, 16, [&](std::size_t begin, std::size_t end) {
            for (std::size_t q = begin; q < end; ++q)
              for (std::size_t i = 0; i < part; ++i)
                sum[first + q] += static_cast<double>(
                    std::max(0.f, product[q * part + i] - similarity_[witnesses[done + i]]));
          });
        });
    // Bounds, and products of another order are rounded differently.
    for (std::size_t i = 0; i < sum.size(); ++i)
      gains_.emplace(sum[i] * (1 + 1e-4) + 1e-6, -static_cast<std::ptrdiff_t>(i));
  }

  feature_view unit_;
  const cpu::stream& stream_;
  std::vector<float> similarity_;  // of each row to the nearest one of the subset
  std::vector<char> taken_;
  std::priority_queue<std::pair<double, std::ptrdiff_t>> gains_;  // the smaller index first
};

}  // namespace detail

/// Chooses `count` rows of the bank, one after the other, so that every kind of image occurs among them: a
/// subset worth labelling. `chosen` are rows that belong to it already, labelled ones for example, which the
/// result does not repeat. The beginning of a subset is the subset of a smaller count; the same bank gives
/// the same rows on any number of threads. The rows that `subset_rule::coverage` covers are at most 20000,
/// spread evenly over the bank. Throws std::invalid_argument if fewer rows remain.
inline std::vector<diverse_row> diverse_subset(const feature_bank& bank, std::size_t count,
                                               std::span<const std::size_t> chosen = {},
                                               subset_rule rule = subset_rule::coverage,
                                               const cpu::stream& stream = {}) {
  detail::subset_chooser chooser{bank, stream};
  for (const std::size_t index : chosen) {
    expects(index < bank.size(), "diverse subset: there is no row ", index, " in a bank of ", bank.size());
    if (!chooser.is_taken(index)) chooser.take(index);
  }
  expects(count <= chooser.left(), "diverse subset: ", count, " rows cannot be chosen from ", chooser.left());
  std::vector<std::size_t> witnesses(std::min<std::size_t>(20000, bank.size()));
  for (std::size_t i = 0; i < witnesses.size(); ++i) witnesses[i] = i * bank.size() / witnesses.size();
  std::vector<diverse_row> subset;
  bool any = !chosen.empty();
  while (subset.size() < count) {
    const bool farthest = rule == subset_rule::farthest && any;
    const std::size_t next = farthest ? chooser.farthest() : chooser.best(witnesses);
    chooser.take(next);
    any = true;
    subset.push_back(
        {next, rule == subset_rule::farthest ? chooser.smallest_similarity() : chooser.mean_similarity()});
  }
  return subset;
}

}  // namespace pretext::inline v0_1
