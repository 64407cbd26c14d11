// Search itself is tested by evaluation/nearest_neighbours.
#include <pretext/evaluation/feature_bank.hpp>
#include <pretext/evaluation/nearest_neighbours.hpp>

#include <Eigen/Core>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("a bank answers every search as a single search does, from memory of the caller") {
  const feature_table bank = blobs(700, 9, 5, 1, 1), queries = blobs(30, 9, 5, 1, 2);
  const feature_bank prepared{feature_view{bank.values, 9}};
  CHECK(prepared.size() == 700);
  CHECK(prepared.width() == 9);
  const auto expected = nearest_neighbours(bank, queries, 6);
  CHECK(prepared.nearest(queries, 6) == expected);
  CHECK(prepared.nearest(queries, 6, cpu::stream{3}) == expected);
  for (std::size_t q = 0; q < queries.count; ++q) {
    const auto one = prepared.nearest({std::span{queries.row(q), 9}, 9}, 6);
    for (std::size_t j = 0; j < 6; ++j)
      CHECK(double(one[j].similarity) ==
            doctest::Approx(double(expected[q * 6 + j].similarity)).epsilon(1e-5));
  }
}

TEST_CASE("rows of an Eigen matrix or map are features without a copy; gaps between them are refused") {
  const feature_table bank = blobs(40, 6, 5, 1, 3);
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const matrix> map{bank.values.data(), 40, 6};
  CHECK(feature_view{map}.row(7) == bank.row(7));
  const matrix owned = map;
  CHECK(feature_bank{owned}.nearest_of_each(3) == feature_bank{bank}.nearest_of_each(3));
  static_assert(!FeatureMatrix<Eigen::MatrixXf>);  // column-major
  static_assert(!FeatureMatrix<Eigen::MatrixXd>);
  CHECK_THROWS_WITH_AS(feature_view{owned.leftCols(3)},
                       "features: the rows of the matrix do not follow each other in memory; copy it into a "
                       "matrix of its own",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(feature_view(std::span{bank.values}.first(7), 6),
                       "features: 7 values are no rows of 6", std::invalid_argument);
}

TEST_CASE("a centred bank compares directions from its mean") {
  feature_table bank = blobs(50, 4, 5, 1, 4), moved = bank;
  for (float& value : moved.values) value += 64;
  const feature_bank centred{bank, {.centred = true}}, far_away{moved, {.centred = true}};
  const auto a = centred.nearest_of_each(3), b = far_away.nearest_of_each(3);
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(double(a[i].similarity) == doctest::Approx(double(b[i].similarity)).epsilon(1e-3));
  CHECK(double(feature_bank{moved}.nearest_of_each(1)[0].similarity) > .999);
  CHECK(centred.nearest(bank, 1)[7] == neighbour{7, centred.nearest(bank, 1)[7].similarity});
}

TEST_CASE("features that cannot be compared are refused") {
  feature_table bank = blobs(5, 3, 2, 1, 4);
  CHECK_THROWS_WITH_AS(feature_bank{bank}.nearest_of_each(5),
                       "nearest neighbours: k is 5, but there are 4 rows to choose from",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(feature_bank(feature_view(std::span<const float>{}, 3)),
                       "nearest neighbours: there are no features", std::invalid_argument);
  bank.values[2] = INFINITY;
  CHECK_THROWS_WITH_AS(feature_bank{bank}, "nearest neighbours: a feature is NaN or infinite",
                       std::invalid_argument);
}
