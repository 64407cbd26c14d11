#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <pretext/core/image_layout.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/edge/eigen.hpp>
#include <pretext/evaluation/collapse.hpp>
#include <pretext/evaluation/knn.hpp>
#include <pretext/evaluation/linear_probe.hpp>
#include <pretext/evaluation/principal_plane.hpp>

using namespace pretext;

TEST_CASE("a batch and its matrix share their memory, a row for each sample") {
  tensor<float, shape<2, 3>, cpu> batch{4};
  for (std::size_t i = 0; i < 24; ++i) batch.view().data[i] = static_cast<float>(i);
  auto matrix = as_eigen(batch.view());
  CHECK(matrix.rows() == 4);
  CHECK(matrix.cols() == 6);
  CHECK(matrix(3, 5) == 23);
  matrix(1, 0) = -1;
  CHECK(batch.view().data[6] == -1);
  CHECK(as_eigen(tensor_view<const float, shape<6>>{batch.view().data, 4}).sum() == matrix.sum());
}

TEST_CASE("the rows of a row-major matrix are a batch; others are errors") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows(3, 5);
  rows.setRandom();
  const auto view = view_of<shape<5>>(rows);
  CHECK(view.data == rows.data());
  CHECK(view.batch == 3);
  const auto& constant = rows;
  CHECK(view_of<shape<5>>(constant).data == rows.data());
  CHECK_THROWS_WITH_AS(view_of<shape<4>>(rows), doctest::Contains("5 columns where samples have 4 values"),
                       std::invalid_argument);
  Eigen::MatrixXf columns(3, 5);
  CHECK_THROWS_WITH_AS(view_of<shape<5>>(columns), doctest::Contains("use a matrix with Eigen::RowMajor"),
                       std::invalid_argument);
  auto part = rows.leftCols(2);
  CHECK_THROWS_AS(view_of<shape<2>>(part), std::invalid_argument);
}

TEST_CASE_TEMPLATE("matrices in both storage orders and their blocks are images in place", T, std::uint8_t,
                   std::uint16_t, float) {
  const auto check = [](const auto& matrix) {
    const image_view picture = image_view_of(matrix);
    CHECK(picture.channels == 1);
    std::vector<T> samples(static_cast<std::size_t>(matrix.size()));
    copy_samples(picture, reinterpret_cast<std::uint8_t*>(samples.data()));
    for (Eigen::Index y = 0; y < matrix.rows(); ++y)
      for (Eigen::Index x = 0; x < matrix.cols(); ++x)
        CHECK(samples[static_cast<std::size_t>(y * matrix.cols() + x)] == matrix(y, x));
  };
  Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows(5, 7);
  for (Eigen::Index i = 0; i < rows.size(); ++i) rows.data()[i] = static_cast<T>(i);
  const Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic> columns = rows;
  check(rows);
  check(columns);
  check(rows.block(1, 2, 3, 4));
  check(columns.block(1, 2, 3, 4));
  check(columns.transpose());
}

TEST_CASE("evaluation takes Eigen's matrices in place and gives the results of tables as Eigen's matrices") {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::MatrixXf by_column(6, 40);  // a feature in each column: its transpose is row-major
  std::vector<int> labels;
  for (Eigen::Index i = 0; i < 40; ++i) {
    labels.push_back(static_cast<int>(i % 3));
    for (Eigen::Index c = 0; c < 6; ++c)
      by_column(c, i) = static_cast<float>((i * 7 + c * 11) % 13) + (c == i % 3 ? 9.f : 0.f);
  }
  const matrix features = by_column.transpose(), queries = features.topRows(5);
  const feature_table table{40, 6, {features.data(), features.data() + features.size()}, labels};
  const feature_table asked{5, 6, {queries.data(), queries.data() + queries.size()}, {0, 1, 2, 0, 1}};

  CHECK(labelled_view{features, labels}.row(3) == features.data() + 18);
  CHECK(as_eigen(feature_view{features}).data() == features.data());
  CHECK(as_eigen(feature_view{by_column.transpose()}) == features);

  const knn vote{.k = 7};
  CHECK(vote.rank({features, labels}, queries) == vote.rank(table, asked));
  CHECK(vote.accuracy({features, labels}, {queries, asked.labels}) == vote.accuracy(table, asked));
  const std::vector<float> shares = vote.shares({features, labels}, queries);
  CHECK(as_eigen(shares, 3).rowwise().sum().isApproxToConstant(1));
  CHECK(as_eigen(shares, 3)(4, 2) == shares[14]);
  CHECK_THROWS_WITH_AS(as_eigen(shares, 4), "an Eigen matrix: 15 values are no rows of 4",
                       std::invalid_argument);
  CHECK(nearest_neighbours(features, queries, 2) == nearest_neighbours(table, asked, 2));

  const linear_probe probe{.epochs = 3, .batch = 16};
  CHECK(probe.train({features, labels}).classifier == probe.train(table).classifier);
  CHECK(probe({features, labels}, {queries, asked.labels}).probabilities ==
        probe(table, asked).probabilities);

  const plane_projection plane = project_to_plane(features);
  CHECK(plane.points == project_to_plane(table).points);
  CHECK(as_eigen(plane.points)(39, 1) == plane.points[39][1]);
  CHECK(detect_collapse(features).effective_rank == detect_collapse(table).effective_rank);

  CHECK_THROWS_WITH_AS(probe.train({features, asked.labels}),
                       "linear probe, training: 40 features need as many labels, not 5",
                       std::invalid_argument);
}
