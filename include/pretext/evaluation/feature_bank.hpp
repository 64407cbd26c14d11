// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/is_finite.hpp>
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
    threshold_ = -detail::infinity<float>;
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
  float threshold_ = -detail::infinity<float>;
};

/// Calls `use(first_query, queries, first_row, rows, products)` for blocks of the products of all queries
/// with all rows, (queries, rows); the blocks of one query come in the order of the rows.
template <class Use>
void for_each_product_block(const feature_view& queries, const feature_view& rows, const cpu::stream& stream,
                            const Use& use) {
  constexpr std::size_t query_block = 512, row_block = 4096;
  on<cpu> context{.stream = stream};
  std::vector<float> product(std::min(query_block, queries.count()) * std::min(row_block, rows.count()));
  for (std::size_t first = 0; first < queries.count(); first += query_block) {
    const std::size_t block = std::min(query_block, queries.count() - first);
    for (std::size_t done = 0; done < rows.count(); done += row_block) {
      const std::size_t part = std::min(row_block, rows.count() - done);
      kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::transposed, block, part, rows.width(),
                              queries.row(first), rows.row(done), product.data(),
                              kernels::write_mode::overwrite);
      use(first, block, done, part, product.data());
    }
  }
}

/// Calls `visit(query, neighbours)` with the k rows of the largest product, plus the row's `offset` unless
/// there are none, for every query.
template <class Visit>
void for_each_largest_product(const feature_view& queries, const feature_view& rows,
                              std::span<const float> offset, std::size_t k, const cpu::stream& stream,
                              Visit&& visit, std::span<const std::size_t> excluded) {
  std::vector<nearest_list> nearest(std::min<std::size_t>(512, queries.count()), nearest_list{k});
  for_each_product_block(
      queries, rows, stream,
      [&](std::size_t first, std::size_t block, std::size_t done, std::size_t part, float* product) {
        stream.for_each_run(block, 16, [&](std::size_t begin, std::size_t end) {
          for (std::size_t q = begin; q < end; ++q) {
            float* values = product + q * part;
            if (!offset.empty())
              for (std::size_t i = 0; i < part; ++i) values[i] += offset[done + i];
            if (done == 0) nearest[q].clear();
            nearest[q].add(values, part, done, excluded.empty() ? rows.count() : excluded[first + q]);
            if (done + part == rows.count()) visit(first + q, nearest[q].sorted());
          }
        });
      });
}

}  // namespace detail

/// How a `feature_bank` prepares features.
struct feature_bank_options {
  /// Subtracts the mean of the bank from every feature first. Features behind a ReLU are positive and have
  /// large cosine similarities, which this spreads out.
  bool centred = false;
};

/// Features that are searched many times: normalised once, and compared with queries by cosine similarity.
/// Constant after construction; threads may share it, each with its own stream.
class feature_bank {
  // Before its first use: its type is deduced.
  static auto copy_to(std::vector<neighbour>& all, std::size_t k) {
    return [&all, k](std::size_t query, std::span<const neighbour> nearest) {
      std::ranges::copy(nearest, all.begin() + static_cast<std::ptrdiff_t>(query * k));
    };
  }

 public:
  /// Copies the features. Throws std::invalid_argument if there are none or one is NaN or infinite.
  explicit feature_bank(const feature_view& features, const feature_bank_options& options = {},
                        const cpu::stream& stream = {})
      : width_{features.width()} {
    expects_finite(features, "nearest neighbours");
    if (options.centred) {
      std::vector<double> sum(width_);
      for (std::size_t i = 0; i < features.count(); ++i)
        for (std::size_t c = 0; c < width_; ++c) sum[c] += static_cast<double>(features.row(i)[c]);
      for (const double value : sum)
        mean_.push_back(static_cast<float>(value / static_cast<double>(features.count())));
    }
    unit_ = prepared(features, stream);
  }

  std::size_t size() const { return unit_.size() / width_; }
  std::size_t width() const { return width_; }
  /// The prepared features, (size, width): rows of length 1, or of zeros.
  feature_view unit() const { return {unit_, width_}; }

  /// Other features prepared in the same way, (count, width). Throws std::invalid_argument if their width
  /// differs or one is NaN or infinite.
  std::vector<float> prepared(const feature_view& features, const cpu::stream& stream = {}) const {
    expects_finite(features, "nearest neighbours");
    expects(features.width() == width_, "nearest neighbours: the bank's features have width ", width_,
            ", and the queries' have ", features.width());
    if (mean_.empty()) return unit_rows(features, stream);
    std::vector<float> moved(features.values().begin(), features.values().end());
    for (std::size_t i = 0; i < moved.size(); ++i) moved[i] -= mean_[i % width_];
    return unit_rows(feature_view{moved, width_}, stream);
  }

  /// Calls `visit(query, neighbours)` for every query, with its k nearest rows of the bank by cosine
  /// similarity, nearest first. Threads call it for different queries at the same time. Similarities are
  /// computed block by block and never stored all at once. If `excluded` has a row for each query, that row
  /// of the bank is not among its neighbours. Throws std::invalid_argument if widths differ, k is 0 or
  /// exceeds the rows, or a feature is NaN or infinite.
  template <class Visit>
  void for_each_nearest(const feature_view& queries, std::size_t k, const cpu::stream& stream, Visit&& visit,
                        std::span<const std::size_t> excluded = {}) const {
    expects_candidates(k, excluded.empty() ? 0 : 1);
    const auto unit_queries = prepared(queries, stream);
    detail::for_each_largest_product(feature_view{unit_queries, width_}, unit(), {}, k, stream,
                                     std::forward<Visit>(visit), excluded);
  }

  /// The k nearest rows of the bank for every query, (queries, k), nearest first. Throws as
  /// `for_each_nearest` does.
  std::vector<neighbour> nearest(const feature_view& queries, std::size_t k,
                                 const cpu::stream& stream = {}) const {
    std::vector<neighbour> all(queries.count() * k);
    for_each_nearest(queries, k, stream, copy_to(all, k));
    return all;
  }

  /// The k nearest other rows for every row of the bank, (size, k), nearest first. Throws
  /// std::invalid_argument if k is 0 or exceeds the other rows.
  std::vector<neighbour> nearest_of_each(std::size_t k, const cpu::stream& stream = {}) const {
    std::vector<std::size_t> rows(size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return nearest_others(rows, k, stream);
  }

  /// The same for some rows of the bank, (rows, k).
  std::vector<neighbour> nearest_others(std::span<const std::size_t> rows, std::size_t k,
                                        const cpu::stream& stream = {}) const {
    expects_candidates(k, 1);
    std::vector<float> queries;
    for (const std::size_t row : rows) {
      expects(row < size(), "nearest neighbours: there is no row ", row, " in a bank of ", size());
      queries.insert(queries.end(), unit().row(row), unit().row(row) + width_);
    }
    std::vector<neighbour> all(rows.size() * k);
    detail::for_each_largest_product(feature_view{queries, width_}, unit(), {}, k, stream, copy_to(all, k),
                                     rows);
    return all;
  }

 private:
  void expects_candidates(std::size_t k, std::size_t left_out) const {
    const std::size_t candidates = size() - left_out;
    expects(k >= 1 && k <= candidates, "nearest neighbours: k is ", k, ", but there are ", candidates,
            " rows to choose from");
  }

  std::size_t width_;
  std::vector<float> unit_, mean_;
};

}  // namespace pretext::inline v0_1
