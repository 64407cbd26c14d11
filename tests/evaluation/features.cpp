#include <pretext/evaluation/features.hpp>

#include <cmath>
#include <stdexcept>
#include <vector>

#include <doctest/doctest.h>

using namespace pretext;

TEST_CASE("rows are scaled to length 1, and a row of zeros stays zero, on any number of threads") {
  feature_table table{600, 3, std::vector<float>(1800), {}};
  for (std::size_t i = 3; i < table.values.size(); ++i) table.values[i] = static_cast<float>(i % 17) - 8;
  const auto unit = unit_rows(table);
  CHECK(unit == unit_rows(table, cpu::stream{3}));
  for (std::size_t i = 0; i < table.count; ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < 3; ++c) squares += std::pow(static_cast<double>(unit[3 * i + c]), 2);
    CHECK(squares == doctest::Approx(i == 0 ? 0 : 1).epsilon(1e-6));
    CHECK(unit[3 * i] * table.row(i)[0] >= 0);
  }
}

TEST_CASE("the number of classes is one more than the largest label") {
  CHECK(classes_of(feature_table{3, 1, {1, 2, 3}, {0, 4, 1}}) == 5);
  CHECK(classes_of(feature_table{1, 1, {1}, {}}) == 0);
}

TEST_CASE("inconsistent tables are refused with the name of their use") {
  CHECK_THROWS_WITH_AS(expects_labels(feature_table{0, 2, {}, {}}, "kNN"), "kNN: there are no features",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((feature_view{feature_table{2, 2, {1, 2, 3}, {}}}),
                       "features: 2 features of width 2 cannot have 3 values", std::invalid_argument);
  CHECK_THROWS_WITH_AS(expects_labels(feature_table{2, 1, {1, 2}, {0}}, "kNN"),
                       "kNN: 2 features need as many labels, not 1", std::invalid_argument);
  CHECK_THROWS_WITH_AS(expects_labels(feature_table{2, 1, {1, 2}, {0, -1}}, "kNN"),
                       "kNN: the label -1 of row 1 is negative; leave unlabelled images out",
                       std::invalid_argument);
}
