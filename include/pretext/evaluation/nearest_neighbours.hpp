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

namespace pretext {

/// A row of the bank and its cosine similarity to a query.
struct neighbour {
  std::uint32_t index = 0;
  float similarity = 0;

  /// Nearer first; of equals, the one that stands earlier in the bank.
  friend constexpr bool operator<(const neighbour& a, const neighbour& b) {
    return a.similarity != b.similarity ? a.similarity > b.similarity : a.index < b.index;
  }
  friend constexpr bool operator==(const neighbour&, const neighbour&) = default;
};

namespace detail {

/// The nearest k so far of rows that come by in order.
class nearest_list {
 public:
  explicit nearest_list(std::size_t k) : k_{k} { kept_.reserve(2 * k); }

  void look_at(const float* similarity, std::size_t count, std::size_t first_index, std::size_t leave_out) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!(similarity[i] > least_) || first_index + i == leave_out) continue;
      kept_.push_back({static_cast<std::uint32_t>(first_index + i), similarity[i]});
      if (kept_.size() == 2 * k_) shorten();
    }
  }
  std::span<const neighbour> sorted() {
    if (kept_.size() > k_) shorten();
    std::ranges::sort(kept_, std::less<>{});
    return kept_;
  }
  void clear() {
    kept_.clear();
    least_ = -std::numeric_limits<float>::infinity();
  }

 private:
  void shorten() {
    std::nth_element(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(k_ - 1), kept_.end());
    kept_.resize(k_);
    least_ = kept_.back().similarity;  // a later row of equal similarity stands behind it
  }

  std::size_t k_;
  std::vector<neighbour> kept_;
  float least_ = -std::numeric_limits<float>::infinity();
};

}  // namespace detail

/// `visit(query, neighbours)` for every query with its nearest k rows of the bank by cosine similarity,
/// nearest first; queries side by side, so a visit may write what belongs to its query alone. Similarities
/// are made block by block and never all kept. A query never meets the bank's row `leave_out[query]`, if rows
/// to leave out are given. Throws std::invalid_argument where widths differ, k is 0 or exceeds the bank, or a
/// feature is not finite.
template <class Visit>
void for_each_nearest(const feature_table& bank, const feature_table& queries, std::size_t k,
                      const cpu::stream& stream, Visit&& visit, std::span<const std::size_t> leave_out = {}) {
  expects_features(bank, "nearest neighbours, bank");
  expects_features(queries, "nearest neighbours, queries");
  expects(bank.width == queries.width, "nearest neighbours: the bank's features have ", bank.width,
          " numbers and the queries' ", queries.width);
  const std::size_t candidates = bank.count - (leave_out.empty() ? 0 : 1);
  expects(k >= 1 && k <= candidates, "nearest neighbours: k is ", k, ", but there are ", candidates,
          " rows to choose from");
  for (const feature_table* some : {&bank, &queries})
    expects(std::ranges::all_of(some->values, [](float value) { return std::isfinite(value); }),
            "nearest neighbours: a feature is not a finite number");

  constexpr std::size_t query_block = 512, bank_block = 4096;
  const auto rows = unit_rows(bank, stream), asked = unit_rows(queries, stream);
  on<cpu> context{.stream = stream};
  std::vector<detail::nearest_list> nearest(std::min(query_block, queries.count), detail::nearest_list{k});
  std::vector<float> similarity(nearest.size() * std::min(bank_block, bank.count));
  for (std::size_t first = 0; first < queries.count; first += query_block) {
    const std::size_t some = std::min(query_block, queries.count - first);
    for (std::size_t done = 0; done < bank.count; done += bank_block) {
      const std::size_t part = std::min(bank_block, bank.count - done);
      kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::transposed, some, part, bank.width,
                              asked.data() + first * bank.width, rows.data() + done * bank.width,
                              similarity.data(), kernels::write_mode::overwrite);
      stream.for_each_run(some, 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t q = begin; q < end; ++q) {
          if (done == 0) nearest[q].clear();
          nearest[q].look_at(similarity.data() + q * part, part, done,
                             leave_out.empty() ? bank.count : leave_out[first + q]);
        }
      });
    }
    stream.for_each_run(some, 16, [&](std::size_t begin, std::size_t end) {
      for (std::size_t q = begin; q < end; ++q) visit(first + q, nearest[q].sorted());
    });
  }
}

/// The nearest k rows of the bank of every query, (queries, k), nearest first.
inline std::vector<neighbour> nearest_neighbours(const feature_table& bank, const feature_table& queries,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  std::vector<neighbour> all(queries.count * k);
  for_each_nearest(bank, queries, k, stream, [&](std::size_t query, std::span<const neighbour> nearest) {
    std::ranges::copy(nearest, all.begin() + static_cast<std::ptrdiff_t>(query * k));
  });
  return all;
}

/// The nearest k other rows of some rows of the bank itself, (rows, k), nearest first.
inline std::vector<neighbour> nearest_neighbours(const feature_table& bank, std::span<const std::size_t> rows,
                                                 std::size_t k, const cpu::stream& stream = {}) {
  feature_table queries{rows.size(), bank.width, {}, {}};
  for (const std::size_t row : rows) {
    expects(row < bank.count, "nearest neighbours: there is no row ", row, " among ", bank.count);
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

}  // namespace pretext
