#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/feature_bank.hpp>

namespace pretext::inline v0_1 {

/// A row of a diverse subset.
struct diverse_row {
  std::size_t index = 0;
  /// 1 - cosine similarity to the nearest row chosen before it, in [0, 2]: how new it was. The distance of
  /// the last row bounds how far any row of the bank is from the subset.
  float distance = 0;

  friend constexpr bool operator==(const diverse_row&, const diverse_row&) = default;
};

/// Chooses `count` rows that cover the bank: k-centre greedy (Gonzalez 1985; Sener & Savarese 2018), which
/// takes the row farthest from all rows chosen before. It begins with the most typical row, or, where some
/// rows are chosen already (labelled, for example), with the one farthest from these `chosen`, which the
/// result does not repeat. The beginning of a subset is the subset of a smaller count; the same bank gives
/// the same rows. Throws std::invalid_argument if fewer rows remain.
inline std::vector<diverse_row> diverse_subset(const feature_bank& bank, std::size_t count,
                                               std::span<const std::size_t> chosen = {},
                                               const cpu::stream& stream = {}) {
  const feature_view unit = bank.unit();
  const std::size_t width = bank.width();
  std::vector<float> nearest(bank.size(), 2.f);
  std::vector<char> taken(bank.size());
  const auto dot = [width](const float* a, const float* b) {
    float sum[8] = {};
    std::size_t c = 0;
    for (; c + 8 <= width; c += 8)
      for (std::size_t i = 0; i < 8; ++i) sum[i] += a[c + i] * b[c + i];
    for (; c < width; ++c) sum[0] += a[c] * b[c];
    return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
  };
  const auto take = [&](std::size_t index) {
    taken[index] = 1;
    stream.for_each_run(bank.size(), 256, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i)
        nearest[i] = std::min(nearest[i], std::max(0.f, 1 - dot(unit.row(i), unit.row(index))));
    });
  };
  for (const std::size_t index : chosen) {
    expects(index < bank.size(), "diverse subset: there is no row ", index, " in a bank of ", bank.size());
    if (!taken[index]) take(index);
  }
  const auto left = static_cast<std::size_t>(std::ranges::count(taken, char{0}));
  expects(count <= left, "diverse subset: ", count, " rows cannot be chosen from ", left);
  std::vector<diverse_row> subset;
  if (count > 0 && chosen.empty()) {
    std::vector<float> mean(width);
    for (std::size_t i = 0; i < unit.values().size(); ++i) mean[i % width] += unit.values()[i];
    std::size_t most_typical = 0;
    float largest = dot(unit.row(0), mean.data());
    for (std::size_t i = 1; i < bank.size(); ++i)
      if (const float typical = dot(unit.row(i), mean.data()); typical > largest) {
        largest = typical;
        most_typical = i;
      }
    subset.push_back({most_typical, 2.f});
    take(most_typical);
  }
  while (subset.size() < count) {
    std::size_t farthest = bank.size();
    for (std::size_t i = 0; i < bank.size(); ++i)
      if (!taken[i] && (farthest == bank.size() || nearest[i] > nearest[farthest])) farthest = i;
    subset.push_back({farthest, nearest[farthest]});
    take(farthest);
  }
  return subset;
}

}  // namespace pretext::inline v0_1
