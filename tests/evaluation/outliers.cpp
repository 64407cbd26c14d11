#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/outliers.hpp>

#include <Eigen/LU>
#include <numeric>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

double auroc_of(const std::vector<float>& normal, const std::vector<float>& odd) {
  std::vector<float> all = normal;
  all.insert(all.end(), odd.begin(), odd.end());
  return auroc(all, [&](std::size_t i) { return i >= normal.size(); });
}

}  // namespace

// What happens to images of noise: networks give them features near those of images with little contrast
// (tests/programs/features.sh has such images).
TEST_CASE("beside a dense kind of images a small distance is odd, and within a varied kind it is not") {
  feature_table rows{0, 6, {}, {}}, odd{0, 6, {}, {}};
  std::mt19937 random{1};
  std::normal_distribution<float> draw;
  const auto add = [&](feature_table& to, std::size_t kind, float spread, float offset) {
    for (std::size_t c = 0; c < 6; ++c)
      to.values.push_back((c == kind ? 4.f : 0.f) + (c == 5 ? offset : 0.f) + spread * draw(random));
    ++to.count;
  };
  for (int i = 0; i < 600; ++i) add(rows, std::size_t(i % 3), i % 3 == 0 ? .02f : 1.f, 0);
  for (int i = 0; i < 50; ++i) add(odd, 0, .02f, .3f);
  const outlier_detector relative{rows}, absolute{rows, {.score = outlier_score::neighbours}};
  CHECK(auroc_of(relative.of_normal(), relative(odd)) > .95);
  CHECK(auroc_of(absolute.of_normal(), absolute(odd)) < .6);
}

TEST_CASE("the covariance is Ledoit and Wolf's") {
  const feature_table rows = blobs(40, 7, 5, 1, 4);
  const auto found = ledoit_wolf(rows, cpu::stream{2});
  // Written out: S, its distance from the identity, and the spread of x xᵀ around S.
  Eigen::MatrixXd x(40, 7);
  for (int i = 0; i < 40; ++i)
    for (int c = 0; c < 7; ++c) x(i, c) = double(rows.row(std::size_t(i))[c]);
  x.rowwise() -= x.colwise().mean();
  const Eigen::MatrixXd sample = x.transpose() * x / 40, identity = Eigen::MatrixXd::Identity(7, 7);
  const double scale = sample.trace() / 7;
  double error = 0;
  for (int i = 0; i < 40; ++i)
    error += (x.row(i).transpose() * x.row(i) - sample).squaredNorm() / 7 / 40 / 40;
  const double shrinkage = error / ((sample - scale * identity).squaredNorm() / 7);
  CHECK(found.shrinkage == Approx(shrinkage).epsilon(1e-9));
  CHECK((found.matrix - (1 - shrinkage) * sample - shrinkage * scale * identity).norm() < 1e-9);
}

TEST_CASE("Mahalanobis' distance is that of the formula, with fewer features than values as well") {
  for (const std::size_t count : {std::size_t{60}, std::size_t{6}}) {
    const feature_table train = blobs(count, 9, 3, 1, 5), test = blobs(20, 9, 3, 1, 6);
    const auto covariance = ledoit_wolf(train);
    const Eigen::MatrixXd inverse = covariance.matrix.inverse();
    const auto scores = outlier_detector{train, {.score = outlier_score::mahalanobis}}(test, cpu::stream{2});
    for (std::size_t i = 0; i < test.count; ++i) {
      Eigen::VectorXd d(9);
      for (std::size_t c = 0; c < 9; ++c) d[Eigen::Index(c)] = double(test.row(i)[c]) - covariance.mean[c];
      CHECK(double(scores[i]) == Approx(std::sqrt(d.dot(inverse * d))).epsilon(1e-3));
    }
  }
}

TEST_CASE("in a set that is scored against itself a row does not count as its own neighbour") {
  feature_table rows = blobs(200, 8, 4, 0.3, 7);
  for (std::size_t c = 0; c < 8; ++c) rows.values[17 * 8 + c] = c % 2 == 0 ? 5 : -5;
  for (const auto score : {outlier_score::local_density, outlier_score::neighbours}) {
    const outlier_detector detector{rows, {.score = score, .neighbours = 3}, cpu::stream{2}};
    const auto& scores = detector.of_normal();
    CHECK(scores == outlier_detector{rows, {.score = score, .neighbours = 3}}.of_normal());
    CHECK(std::ranges::max_element(scores) - scores.begin() == 17);
    const auto with_itself = detector(rows);
    for (std::size_t i = 0; score == outlier_score::neighbours && i < rows.count; ++i)
      CHECK(scores[i] > with_itself[i]);
  }
  const auto normal = outlier_detector{rows}.of_normal();
  CHECK(double(std::accumulate(normal.begin(), normal.end(), 0.f)) / 200 == Approx(1).epsilon(.15));
}

TEST_CASE("the local outlier factor is that of its definition") {
  const feature_table rows = blobs(60, 5, 3, 0.5, 11), others = blobs(10, 5, 3, 1, 12);
  const std::size_t k = 7;
  const auto distance = [](const float* a, const float* b) {
    return std::sqrt(std::max(0., 2 - 2 * cosine_of(a, b, 5)));
  };
  // Neighbours of a point among the rows, but not row `itself`.
  const auto nearest = [&](const float* point, std::size_t itself) {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t i = 0; i < rows.count; ++i)
      if (i != itself) all.emplace_back(distance(point, rows.row(i)), i);
    std::ranges::sort(all);
    all.resize(k);
    return all;
  };
  const auto density = [&](const float* point, std::size_t itself) {
    double sum = 0;
    for (const auto& [d, i] : nearest(point, itself))
      sum += std::max(d, nearest(rows.row(i), i).back().first);
    return double(k) / sum;
  };
  const auto factor = [&](const float* point, std::size_t itself) {
    double sum = 0;
    for (const auto& [d, i] : nearest(point, itself)) sum += density(rows.row(i), i);
    return sum / double(k) / density(point, itself);
  };
  const outlier_detector detector{rows, {.neighbours = k}};
  const auto own = detector.of_normal(), scores = detector(others);
  for (std::size_t i = 0; i < rows.count; i += 5)
    CHECK(double(own[i]) == Approx(factor(rows.row(i), i)).epsilon(1e-3));
  for (std::size_t i = 0; i < others.count; ++i)
    CHECK(double(scores[i]) == Approx(factor(others.row(i), rows.count)).epsilon(1e-3));
}

TEST_CASE("copies of an image have finite scores") {
  feature_table rows = blobs(50, 4, 3, 0.3, 8);
  for (std::size_t i = 0; i < 30; ++i)
    std::copy_n(rows.row(0), 4, rows.values.begin() + std::ptrdiff_t(i * 4));
  for (const float score : outlier_detector{rows}.of_normal()) CHECK(std::isfinite(score));
}

TEST_CASE("features that do not say what is normal are refused") {
  CHECK_THROWS_WITH_AS(outlier_detector{blobs(2, 3, 2, 1, 1)},
                       "outliers: 2 features do not say what is normal", std::invalid_argument);
  const feature_table same{4, 2, std::vector<float>(8, 3), {}};
  CHECK_THROWS_WITH_AS(outlier_detector{same}, "outliers: all features are the same", std::invalid_argument);
  const outlier_detector some{blobs(20, 3, 2, 1, 1)};
  CHECK_THROWS_WITH_AS(some(blobs(20, 4, 2, 1, 1)),
                       "nearest neighbours: the bank's features have width 3, and the queries' have 4",
                       std::invalid_argument);
}
