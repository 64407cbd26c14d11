#include <pretext/layers/positions.hpp>

#include <doctest/doctest.h>

#include <vector>

#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

std::vector<double> start_of(const parameter& p) {
  std::vector<double> table(p.size());
  initialise<double>(std::span{&p, 1}, 1, table.data());
  return table;
}

}  // namespace

static_assert(position_table<2, 3, 8, positions::fixed>("pos_embed").role == parameter_role::constant);
static_assert(position_table<2, 3, 8, positions::tuned>("pos_embed").role == parameter_role::trainable);
static_assert(position_table<2, 3, 8, positions::learned>("pos_embed").init ==
              initialiser::truncated_normal(.02));
static_assert(position_table<2, 3, 6, positions::learned>("pos_embed").size() == 7 * 6);

TEST_CASE("sin-cos positions are MAE's: the column's half first, after a row of zeros") {
  const auto table = start_of(position_table<2, 2, 8, positions::fixed>("pos_embed"));
  const double one[] = {.841471, .01, .540302, .99995}, zero[] = {0, 0, 1, 1};
  REQUIRE(table.size() == 5 * 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(table[i] == 0);
  for (std::size_t row = 0; row < 2; ++row)
    for (std::size_t column = 0; column < 2; ++column)
      for (std::size_t i = 0; i < 8; ++i) {
        const double* half = (i < 4 ? column : row) ? one : zero;
        CHECK(table[(1 + row * 2 + column) * 8 + i] == doctest::Approx(half[i % 4]).epsilon(1e-5).scale(1));
      }
}

TEST_CASE(
    "MoCo v3's positions are the same with the row's half first; without a class token no row is zero") {
  const auto columns = start_of(position_table<2, 3, 8, positions::fixed>("pos_embed")),
             rows = start_of(position_table<2, 3, 8, positions::fixed_rows_first>("pos_embed")),
             grid = start_of(position_table<2, 3, 8, positions::fixed, 0>("pos_embed"));
  REQUIRE(grid.size() == 6 * 8);
  for (std::size_t i = 0; i < rows.size(); ++i) CHECK(rows[i] == columns[i / 8 * 8 + (i + 4) % 8]);
  for (std::size_t i = 0; i < grid.size(); ++i) CHECK(grid[i] == columns[8 + i]);
  CHECK(position_table<2, 3, 8, positions::fixed_rows_first>("pos_embed").role == parameter_role::constant);
}

TEST_CASE("grids need not be square") {
  const auto table = start_of(position_table<2, 5, 4, positions::tuned>("pos_embed"));
  REQUIRE(table.size() == 11 * 4);
  const double* last = table.data() + 10 * 4;  // row 1, column 4
  CHECK(last[0] == doctest::Approx(std::sin(4.0)));
  CHECK(last[1] == doctest::Approx(std::cos(4.0)));
  CHECK(last[2] == doctest::Approx(std::sin(1.0)));
  CHECK(last[3] == doctest::Approx(std::cos(1.0)));
}
