// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include <hnswlib/hnswlib.h>

#include <pretext/core/expects.hpp>
#include <pretext/evaluation/feature_bank.hpp>

// Belongs to the optional component hnsw (hnswlib).
namespace pretext::inline v0_1 {

/// The settings of an `hnsw_index`; larger ones find more of the true neighbours and take longer.
struct hnsw_options {
  std::size_t links = 16;           ///< of each row to others (M); memory grows by 8 bytes per link and row
  std::size_t build_effort = 200;   ///< candidates while building (efConstruction)
  std::size_t search_effort = 200;  ///< candidates while searching (ef), at least k
  std::uint64_t seed = 1;
};

/// Approximate nearest neighbours of large banks, by a hierarchical navigable small world graph (Malkov &
/// Yashunin 2020) of hnswlib: a query compares a few thousand rows instead of all. Building takes as long as
/// many exact searches, so it pays for banks that are searched often. The bank must outlive the index.
/// Constant after construction; threads may share it, each with its own stream.
class hnsw_index {
 public:
  /// Builds the index on one thread, because its order decides the graph: the same bank and options give the
  /// same index. Throws std::invalid_argument for options of 0, std::runtime_error for too little memory.
  explicit hnsw_index(const feature_bank& bank, const hnsw_options& options = {})
      : bank_{&bank}, options_{options}, space_{std::make_unique<hnswlib::InnerProductSpace>(bank.width())} {
    expects(options.links > 1 && options.build_effort > 0 && options.search_effort > 0,
            "HNSW: there must be at least 2 links and an effort of at least 1");
    graph_ = std::make_unique<graph>(space_.get(), bank.size(), options.links, options.build_effort,
                                     static_cast<std::size_t>(options.seed));
    graph_->setEf(options.search_effort);
    for (std::size_t row = 0; row < bank.size(); ++row) graph_->addPoint(bank.unit().row(row), row);
  }
  // A temporary bank would be gone before the first search.
  explicit hnsw_index(const feature_bank&&, const hnsw_options& = {}) = delete;

  std::size_t size() const { return bank_->size(); }

  /// The k nearest rows of the bank that are found for every query, (queries, k), nearest first. Throws as
  /// `feature_bank::nearest` does.
  std::vector<neighbour> nearest(const feature_view& queries, std::size_t k,
                                 const cpu::stream& stream = {}) const {
    expects(k >= 1 && k <= size(), "nearest neighbours: k is ", k, ", but there are ", size(),
            " rows to choose from");
    expects(k <= options_.search_effort, "nearest neighbours: k is ", k,
            ", more than the search effort of the HNSW index, ", options_.search_effort);
    const auto unit = bank_->prepared(queries, stream);
    std::vector<neighbour> all(queries.count() * k);
    std::vector<char> complete(queries.count());
    stream.for_each_run(queries.count(), 8, [&](std::size_t first, std::size_t last) {
      for (std::size_t q = first; q < last; ++q) {
        auto found = graph_->searchKnn(unit.data() + q * bank_->width(), k);
        complete[q] = found.size() == k;
        const std::span to{all.data() + q * k, k};
        for (std::size_t i = found.size(); i-- > 0; found.pop())
          to[i] = {static_cast<std::uint32_t>(found.top().second), 1 - found.top().first};
        std::ranges::sort(to, std::less<>{});
      }
    });
    // Of many equal rows some may have no link that leads to them.
    for (std::size_t q = 0; q < queries.count(); ++q)
      if (!complete[q])
        std::ranges::copy(
            bank_->nearest({std::span{queries.row(q), queries.width()}, queries.width()}, k, stream),
            all.begin() + static_cast<std::ptrdiff_t>(q * k));
    return all;
  }

 private:
  using graph = hnswlib::HierarchicalNSW<float>;

  const feature_bank* bank_;
  hnsw_options options_;
  std::unique_ptr<hnswlib::InnerProductSpace> space_;
  std::unique_ptr<graph> graph_;
};

}  // namespace pretext::inline v0_1
