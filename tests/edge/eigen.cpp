#include <doctest/doctest.h>

#include <cstdint>
#include <vector>

#include <pretext/core/image_layout.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/edge/eigen.hpp>

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
