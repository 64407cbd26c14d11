// Loops whose threads stay in their columns, on an emulated GPU.
#include <doctest/doctest.h>

#include <cstddef>

#include "cuda/emulated.hpp"

#include <pretext/kernels/gpu/block/column_loop.hpp>

using namespace pretext;
using namespace pretext::tests;

namespace {

/// Counts for each element how often it was written with the column and the group that are its own; other
/// writes count as 1000.
template <class T>
struct count_writes {
  std::size_t columns, group_size;
  T* counts;

  template <unsigned N>
  struct of_column {
    count_writes all;
    std::size_t group, c;

    grid::vec<arithmetic<T>, N> read(std::size_t i) const { return grid::load<N>(all.counts + i); }
    void write(std::size_t i, grid::vec<arithmetic<T>, N> value) const {
      const bool own = i % all.columns == c && i / all.group_size == group;
      for (unsigned k = 0; k < N; ++k) value[k] += own ? 1 : 1000;
      grid::store<N>(all.counts + i, value);
    }
  };
  template <unsigned N>
  of_column<N> in_column(std::size_t group, std::size_t c) const {
    return {*this, group, c};
  }
};

struct on_stream {
  emulated::stream stream;
};

/// The number of elements that are not written exactly once, by a thread of their column and group.
std::size_t wrong_writes(std::size_t rows, std::size_t columns, std::size_t groups, bool backwards) {
  on_stream context{{.backwards = backwards}};
  const std::size_t n = rows * columns;
  float* const counts = emulated::allocate<float>(n);
  grid::for_each_column<float>(context, rows, columns, groups, {counts},
                               count_writes<float>{columns, n / groups, counts});
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < n; ++i) wrong += counts[i] != 1;
  emulated::release(counts);
  return wrong;
}

}  // namespace

TEST_CASE("a loop over columns writes every element once, by a thread of its column and group of rows") {
  for (const std::size_t columns : {1u, 4u, 7u, 12u, 64u, 300u, 1030u, 2048u, 4096u})
    for (const std::size_t groups : {1u, 2u, 3u})
      for (const std::size_t part : {1u, 5u, 129u}) {
        CAPTURE(columns);
        CAPTURE(groups);
        CAPTURE(part);
        CHECK(wrong_writes(groups * part, columns, groups, false) == 0);
      }
}

TEST_CASE("a loop over columns has at most 4096 blocks, whose threads repeat") {
  CHECK(wrong_writes(460'000, 7, 2, false) == 0);  // three rows per thread, from two groups
  CHECK(wrong_writes(460'000, 28, 1, true) == 0);  // three rows of vectors
}

TEST_CASE("a loop over columns of an empty matrix launches nothing") {
  CHECK(wrong_writes(0, 8, 1, false) == 0);
  CHECK(wrong_writes(8, 0, 1, false) == 0);
}
