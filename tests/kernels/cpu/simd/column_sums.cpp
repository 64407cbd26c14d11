#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;

namespace {

constexpr std::size_t rows = 1000, columns = 70;

/// Σ x and Σ x² of each column, added to 1 and 2.
template <class T>
std::vector<T> sums(std::size_t threads, const std::vector<T>& x, bool squares = true) {
  on<cpu> context{cpu::stream{threads}};
  std::vector<T> total(2 * columns, 1);
  std::fill_n(total.begin() + columns, columns, T{2});
  T* const totals[] = {total.data(), squares ? total.data() + columns : nullptr};
  kernels::detail::sum_columns(context, rows, columns, totals,
                               [&](std::size_t first, std::size_t last, T* partial) {
                                 for (std::size_t r = first; r < last; ++r)
                                   for (std::size_t c = 0; c < columns; ++c) {
                                     const T value = x[r * columns + c];
                                     partial[c] += value;
                                     partial[columns + c] += value * value;
                                   }
                               });
  return total;
}

}  // namespace

TEST_CASE("column sums of all rows are added to the totals") {
  const auto x = tests::random_values<double>(rows * columns, 1);
  const auto total = sums(2, x);
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 1, squares = 2;
    for (std::size_t r = 0; r < rows; ++r) {
      sum += x[r * columns + c];
      squares += x[r * columns + c] * x[r * columns + c];
    }
    CHECK(total[c] == doctest::Approx(sum).epsilon(1e-12));
    CHECK(total[columns + c] == doctest::Approx(squares).epsilon(1e-12));
  }
}

TEST_CASE("a null total is skipped") {
  const auto x = tests::random_values<double>(rows * columns, 1);
  const auto total = sums(2, x, false), both = sums(2, x);
  for (std::size_t c = 0; c < columns; ++c) {
    CHECK(total[c] == both[c]);
    CHECK(total[columns + c] == 2);
  }
}

TEST_CASE("column sums are the same bits for any number of threads") {
  const auto x = tests::random_values<float>(rows * columns, 1);
  CHECK(sums(1, x) == sums(3, x));
}
