#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/nt_xent/similarity_tiles.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;

namespace {

using tiles = kernels::detail::similarity_tiles<double>;
constexpr std::size_t columns = 11;

}  // namespace

TEST_CASE("each pair of rows is in one tile or its mirror, the diagonal is -infinity") {
  for (std::size_t rows : {2u, 96u, 97u, 300u, 470u}) {
    CAPTURE(rows);
    on<cpu, fp64> context{cpu::stream{1}};
    const auto z = tests::random_values<double>(rows * columns, 1);
    const tiles all{context, rows, columns, 0.5, z.data()};
    std::vector<int> visits(rows * rows);
    double largest_error = 0;
    all.for_each_tile(context, [&](tiles::tile& t) {
      for (std::size_t r = 0; r < t.rows; ++r)
        for (std::size_t c = 0; c < t.columns; ++c) {
          const std::size_t i = t.first_row + r, j = t.first_column + c;
          ++visits[i * rows + j];
          if (t.mirrored) ++visits[j * rows + i];
          const double similarity =
              kernels::detail::dot(all.unit + i * columns, all.unit + j * columns, columns) / 0.5;
          if (i == j)
            CHECK(t.at[r][c] == -std::numeric_limits<double>::infinity());
          else
            largest_error = std::max(largest_error, std::abs(t.at[r][c] - similarity));
        }
    });
    CHECK(std::all_of(visits.begin(), visits.end(), [](int count) { return count == 1; }));
    CHECK(largest_error < 1e-13);
  }
}

TEST_CASE(
    "tiles times the rows, and their mirrors, are the product with the whole matrix for any number of "
    "threads") {
  const std::size_t rows = 290;
  const auto z = tests::random_values<double>(rows * columns, 1);
  const auto product = [&](std::size_t threads) {
    on<cpu, fp64> context{cpu::stream{threads}};
    const tiles all{context, rows, columns, 0.5, z.data()};
    std::vector<double> sum(rows * columns);
    all.for_each_tile(context, [&](tiles::tile& t) {
      if (!t.mirrored)
        for (std::size_t r = 0; r < t.rows; ++r) t.at[r][r] = 0;
      for (auto& row : t.at)
        for (std::size_t c = t.columns; c < tiles::side; ++c) row[c] = 0;
      all.multiply(t, sum.data());
    });
    return sum;
  };
  const auto one = product(1);
  CHECK(one == product(3));
  on<cpu, fp64> context{cpu::stream{1}};
  const tiles all{context, rows, columns, 0.5, z.data()};
  for (std::size_t i = 0; i < rows; i += 17)
    for (std::size_t c = 0; c < columns; ++c) {
      double expected = 0;
      for (std::size_t j = 0; j < rows; ++j)
        if (j != i)
          expected += 2 * kernels::detail::dot(all.unit + i * columns, all.unit + j * columns, columns) *
                      all.unit[j * columns + c];
      CHECK(one[i * columns + c] == doctest::Approx(expected).epsilon(1e-11));
    }
}
