// The index "hnsw" of `search`: compiled where hnswlib is installed.
#include <algorithm>
#include <memory>

#include <pretext/evaluation/hnsw_index.hpp>

#include "support/search_index.hpp"

const programs::index_entry hnsw{
    "hnsw", [](const pretext::feature_bank& bank, std::size_t k) -> programs::nearest_search {
      const auto index = std::make_shared<const pretext::hnsw_index>(
          bank, pretext::hnsw_options{.search_effort = std::max<std::size_t>(200, 2 * k)});
      return [index](const pretext::feature_view& queries, std::size_t count,
                     const pretext::cpu::stream& stream) { return index->nearest(queries, count, stream); };
    }};
