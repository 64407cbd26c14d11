#include <pretext/evaluation/principal_plane.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

/// Points of a plane, three times as wide as high, embedded in `width` dimensions and shifted from the
/// origin.
feature_table plane(std::size_t count, std::size_t width, std::vector<std::array<double, 2>>& flat) {
  std::mt19937 random{11};
  std::normal_distribution<double> draw;
  std::vector<double> a(width), b(width);
  for (double& number : a) number = draw(random);
  for (double& number : b) number = draw(random);
  double aa = 0, ab = 0, bb = 0;
  for (std::size_t c = 0; c < width; ++c) aa += a[c] * a[c];
  for (std::size_t c = 0; c < width; ++c) ab += a[c] * b[c];
  for (std::size_t c = 0; c < width; ++c) b[c] -= ab / aa * a[c];
  for (std::size_t c = 0; c < width; ++c) bb += b[c] * b[c];
  feature_table made{count, width, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    flat.push_back({3 * draw(random), draw(random)});
    for (std::size_t c = 0; c < width; ++c)
      made.values.push_back(
          static_cast<float>(2 + flat[i][0] * a[c] / std::sqrt(aa) + flat[i][1] * b[c] / std::sqrt(bb)));
  }
  return made;
}

}  // namespace

TEST_CASE("points of a plane keep their distances, for more rows than columns and for fewer") {
  for (const std::size_t count : {60u, 300u})
    for (const std::size_t width : {4u, 290u}) {
      std::vector<std::array<double, 2>> flat;
      const auto made = project_to_plane(plane(count, width, flat));
      for (std::size_t i = 0; i < count; i += 7)
        for (std::size_t j = 0; j < i; ++j)
          CHECK(std::hypot(made.points[i][0] - made.points[j][0], made.points[i][1] - made.points[j][1]) ==
                Approx(std::hypot(flat[i][0] - flat[j][0], flat[i][1] - flat[j][1])).epsilon(1e-4));
      CHECK(made.explained[0] + made.explained[1] == Approx(1).epsilon(1e-6));
      CHECK(made.explained[0] > 0.8);
    }
}

TEST_CASE(
    "the first axis carries the most variance, means are zero, and each axis points to its farthest "
    "feature") {
  const feature_table some = blobs(500, 12, 6, 0.7, 1);
  const auto made = project_to_plane(some, cpu::stream{2});
  double variance[2]{}, total = 0;
  const auto mean = detail::mean_row(some.values, 12);
  for (std::size_t i = 0; i < some.values.size(); ++i)
    total += std::pow(double(some.values[i]) - mean[i % 12], 2);
  for (std::size_t axis = 0; axis < 2; ++axis) {
    double sum = 0, farthest = 0;
    for (const auto& point : made.points) {
      sum += double(point[axis]);
      variance[axis] += double(point[axis]) * double(point[axis]);
      if (std::abs(double(point[axis])) > std::abs(farthest)) farthest = double(point[axis]);
    }
    CHECK(std::abs(sum) < 1e-3);
    CHECK(farthest > 0);
    CHECK(made.explained[axis] == Approx(variance[axis] / total).epsilon(1e-5));
  }
  CHECK(made.explained[0] > made.explained[1]);
  CHECK(made.points == project_to_plane(some).points);
}

TEST_CASE("in many dimensions the leading axes equal those of the full solver, for close eigenvalues, too") {
  for (const double second : {2.9, 2.0}) {
    Eigen::VectorXd spectrum(400);
    for (Eigen::Index i = 0; i < 400; ++i) spectrum[i] = 1.5 * std::pow(0.99, double(i));
    spectrum[399] = 3;
    spectrum[398] = second;
    std::srand(5);
    const Eigen::MatrixXd turn =
        Eigen::HouseholderQR<Eigen::MatrixXd>{Eigen::MatrixXd::Random(400, 400)}.householderQ();
    const Eigen::MatrixXd symmetric = turn * spectrum.asDiagonal() * turn.transpose();
    const detail::leading_axes axes{symmetric, cpu::stream{2}};
    const Eigen::Index last = axes.values.size() - 1;
    CHECK(axes.values[last] == Approx(3).epsilon(1e-10));
    CHECK(axes.values[last - 1] == Approx(second).epsilon(1e-10));
    CHECK(std::abs(axes.vectors.col(last).dot(turn.col(399))) == Approx(1).epsilon(1e-10));
    CHECK(std::abs(axes.vectors.col(last - 1).dot(turn.col(398))) == Approx(1).epsilon(1e-10));
  }
}

TEST_CASE("features of width 1, a single feature and equal features have points, too") {
  const auto line = project_to_plane(feature_table{3, 1, {1, 2, 6}, {}});
  CHECK(line.points[2][0] == Approx(3));
  CHECK(line.points[0][0] == Approx(-2));
  CHECK(line.points[0][1] == 0);
  CHECK(line.explained[0] == 1);
  CHECK(project_to_plane(feature_table{1, 3, {1, 2, 6}, {}}).points[0][0] == 0);
  const auto same = project_to_plane(feature_table{4, 2, {1, 2, 1, 2, 1, 2, 1, 2}, {}});
  for (const auto& point : same.points) CHECK(std::abs(point[0]) < 1e-6);
  CHECK(same.explained[0] == 0);
}

TEST_CASE("features with NaN or infinity are refused") {
  CHECK_THROWS_WITH_AS(project_to_plane(feature_table{1, 2, {1, NAN}, {}}),
                       "projection: a feature is NaN or infinite", std::invalid_argument);
}
