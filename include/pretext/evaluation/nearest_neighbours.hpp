#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

namespace pretext::inline v0_1 {

/// A row of the bank and its cosine similarity to a query, in [-1, 1].
struct neighbour {
  std::uint32_t index = 0;
  float similarity = 0;

  /// The nearer one is less; of equally near rows, the one with the smaller index.
  friend constexpr bool operator<(const neighbour& a, const neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
  }
  friend constexpr bool operator==(const neighbour&, const neighbour&) = default;
};

namespace detail {

/// The k nearest of the rows that have been added so far, in the order of their indices. A list of up to 2k
/// entries is cut to k by nth_element: cheaper than a heap, because most rows fail the comparison with the
/// k-th.
class nearest_list {
 public:
  explicit nearest_list(std::size_t k) : k_{k} { entries_.reserve(2 * k); }

  void add(const float* similarity, std::size_t count, std::size_t first_index, std::size_t excluded) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!(similarity[i] > threshold_) || first_index + i == excluded) continue;
      entries_.push_back({static_cast<std::uint32_t>(first_index + i), similarity[i]});
      if (entries_.size() == 2 * k_) shorten();
    }
  }
  std::span<const neighbour> sorted() {
    if (entries_.size() > k_) shorten();
    std::ranges::sort(entries_, std::less<>{});
    return entries_;
  }
  void clear() {
    entries_.clear();
    threshold_ = -std::numeric_limits<float>::infinity();
  }

 private:
  void shorten() {
    std::nth_element(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(k_ - 1),
                     entries_.end());
    entries_.resize(k_);
    threshold_ = entries_.back().similarity;  // a later row of equal similarity would rank behind it
  }

  std::size_t k_;
  std::vector<neighbour> entries_;
  float threshold_ = -std::numeric_limits<float>::infinity();
};

}  // namespace detail

/// Calls `visit(query, neighbours)` for every query, with its k nearest rows of the bank by cosine
/// similarity, nearest first. Threads call it for different queries at the same time. Similarities are
/// computed block by block and never stored all at once. If `excluded` has a row for each query, that row of
/// the bank is not among its neighbours. Throws std::invalid_argument if widths differ, k is 0 or exceeds the
/// rows, or a feature is NaN or infinite.
template <class Visit>
void for_each_nearest(const feature_table& bank, const feature_table& queries, std::size_t k,
                      const cpu::stream& stream, Visit&& visit, std::span<const std::size_t> excluded = {}) {
  expects_features(bank, "nearest neighbours, bank");
  expects_features(queries, "nearest neighbours, queries");
  expects(bank.width == queries.width, "nearest neighbours: the bank's features have width ", bank.width,
          ", and the queries' have ", queries.width);
  const std::size_t candidates = bank.count - (excluded.empty() ? 0 : 1);
  expects(k >= 1 && k <= candidates, "nearest neighbours: k is ", k, ", but there are ", candidates,
          " rows to choose from");
  for (const feature_table* table : {&bank, &queries})
    expects(std::ranges::all_of(table->values, [](float value) { return std::isfinite(value); }),
            "nearest neighbours: a feature is NaN or infinite");

  constexpr std::size_t query_block = 512, bank_block = 4096;
  const auto unit_bank = unit_rows(bank, stream), unit_queries = unit_rows(queries, stream);
  on<cpu> context{.stream = stream};
  std::vector<detail::nearest_list> nearest(std::min(query_block, queries.count), detail::nearest_list{k});
  std::vector<float> similarity(nearest.size() * std::min(bank_block, bank.count));
  for (std::size_t first = 0; first < queries.count; first += query_block) {
    const std::size_t block = std::min(query_block, queries.count - first);
    for (std::size_t done = 0; done < bank.count; done += bank_block) {
      const std::size_t part = std::min(bank_block, bank.count - done);
      kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::transposed, block, part, bank.width,
                              unit_queries.data() + first * bank.width, unit_bank.data() + done * bank.width,
                              similarity.data(), kernels::write_mode::overwrite);
      stream.for_each_run(block, 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t q = begin; q < end; ++q) {
          if (done == 0) nearest[q].clear();
          nearest[q].add(similarity.data() + q * part, part, done,
                         excluded.empty() ? bank.count : excluded[first + q]);
        }
      });
    }
    stream.for_each_run(block, 16, [&](std::size_t begin, std::size_t end) {
      for (std::size_t q = begin; q < end; ++q) visit(first + q, nearest[q].sorted());
    });
  }
}

/// The k nearest rows of the bank for every query, (queries, k), nearest first. Throws as `for_each_nearest`
/// does.
inline std::vector<neighbour> nearest_neighbours(const feature_table& bank, const feature_table& queries,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  std::vector<neighbour> all(queries.count * k);
  for_each_nearest(bank, queries, k, stream, [&](std::size_t query, std::span<const neighbour> nearest) {
    std::ranges::copy(nearest, all.begin() + static_cast<std::ptrdiff_t>(query * k));
  });
  return all;
}

/// The k nearest other rows for some rows of the bank itself, (rows, k), nearest first.
inline std::vector<neighbour> nearest_neighbours(const feature_table& bank, std::span<const std::size_t> rows,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  feature_table queries{rows.size(), bank.width, {}, {}};
  for (const std::size_t row : rows) {
    expects(row < bank.count, "nearest neighbours: there is no row ", row, " in a bank of ", bank.count);
    queries.values.insert(queries.values.end(), bank.row(row), bank.row(row) + bank.width);
  }
  std::vector<neighbour> all(queries.count * k);
  for_each_nearest(
      bank, queries, k, stream,
      [&](std::size_t query, std::span<const neighbour> nearest) {
        std::ranges::copy(nearest, all.begin() + static_cast<std::ptrdiff_t>(query * k));
      },
      rows);
  return all;
}

}  // namespace pretext::inline v0_1
