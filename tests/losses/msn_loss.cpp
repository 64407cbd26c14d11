#include <doctest/doctest.h>

#include <numeric>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/msn_loss.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

/// Rows of a matrix, their unit rows and their lengths.
struct rows_of_unit {
  std::size_t columns;
  std::vector<double> unit, length;

  explicit rows_of_unit(const safetensor& tensor)
      : columns{tensor.shape[1]}, unit{tensor.as<double>()}, length(tensor.shape[0]) {
    for (std::size_t i = 0; i < unit.size(); ++i) length[i / columns] += unit[i] * unit[i];
    for (double& each : length) each = std::sqrt(each);
    for (std::size_t i = 0; i < unit.size(); ++i) unit[i] /= length[i / columns];
  }
  std::size_t count() const { return length.size(); }
  /// unit·otherᵀ
  std::vector<double> cosines(const rows_of_unit& other) const {
    std::vector<double> all;
    for (std::size_t i = 0; i < count(); ++i)
      for (std::size_t j = 0; j < other.count(); ++j)
        all.push_back(std::inner_product(unit.begin() + std::ptrdiff_t(i * columns),
                                         unit.begin() + std::ptrdiff_t((i + 1) * columns),
                                         other.unit.begin() + std::ptrdiff_t(j * columns), 0.));
    return all;
  }
  /// The gradient of the rows, where `slope(i, j)` is that of their cosines with the other's.
  template <class Slope>
  std::vector<double> gradient(const rows_of_unit& other, const Slope& slope) const {
    std::vector<double> all(unit.size());
    for (std::size_t i = 0; i < count(); ++i) {
      double along = 0;
      for (std::size_t c = 0; c < columns; ++c) {
        double& to = all[i * columns + c];
        for (std::size_t j = 0; j < other.count(); ++j) to += slope(i, j) * other.unit[j * columns + c];
        along += to * unit[i * columns + c];
      }
      for (std::size_t c = 0; c < columns; ++c)
        all[i * columns + c] = (all[i * columns + c] - along * unit[i * columns + c]) / length[i];
    }
    return all;
  }
};

}  // namespace

TEST_CASE("the loss of MSN agrees with the official code, its gradients of anchors and prototypes, too") {
  const auto file = tests::reference("loss_msn");
  const rows_of_unit anchors{file.at("anchors")}, targets{file.at("targets")},
      prototypes{file.at("prototypes")};
  constexpr std::size_t k = 7;
  REQUIRE(prototypes.count() == k);
  const auto weights = hyper_parameter(file, "weights");
  const msn_loss loss{hyper_parameter(file, "temperature").get<double>(),
                      hyper_parameter(file, "sharpening").get<double>()};
  const auto compare = [&](msn_loss changed, const std::string& label) {
    changed.spread = weights.at(label).get<double>();
    const auto run = [&]<class Numerics>(Numerics, std::size_t threads) {
      return run_batch<Numerics, k>(changed, targets.count(), anchors.cosines(prototypes),
                                    targets.cosines(prototypes), 0, {}, {}, -1, threads);
    };
    const auto found = run(fp64{}, 1);
    CHECK(found == run(fp64{}, 3));
    const double expected = file.at(label).as<double>()[0];
    CHECK(found.value == doctest::Approx(expected).epsilon(1e-10));
    CHECK(run(fp32{}, 2).value == doctest::Approx(expected).epsilon(2e-5));
    const auto slope = [&](std::size_t anchor, std::size_t prototype) {
      return found.gradient[anchor * k + prototype];
    };
    CHECK(relative_difference(anchors.gradient(prototypes, slope),
                              file.at(label + ".grad.anchors").as<double>()) < 1e-10);
    CHECK(relative_difference(
              prototypes.gradient(anchors, [&](std::size_t j, std::size_t i) { return slope(i, j); }),
              file.at(label + ".grad.prototypes").as<double>()) < 1e-10);
  };
  compare(loss, "msn");
  msn_loss balanced = loss;
  balanced.iterations = 3;
  compare(balanced, "sinkhorn");
}

TEST_CASE("the gradient of MSN's loss matches finite differences and is added, with a predictor, too") {
  for (const msn_loss& loss : {msn_loss{.3}, msn_loss{.3, .5, 2, 3}, msn_loss{.3, .25, 0}}) {
    const auto same = check_loss<6>(loss, loss_check_batch{3, 1}, {.batch = 12, .threads = 2});
    CHECK_MESSAGE(same.error < 1e-6, same.text());
    const auto predicted = check_loss<6, 4>(loss, loss_check_batch{3, 1}, {.batch = 12, .threads = 2});
    CHECK_MESSAGE(predicted.error < 1e-6, predicted.text());
  }
}

TEST_CASE("MSN's loss is finite for rows of zeros and a tiny temperature") {
  stays_finite<5>(msn_loss{.iterations = 3}, 3, 1);
  stays_finite<5>(msn_loss{1e-4}, 3, 1);
}

TEST_CASE("MSN's loss refuses a target of two views and one without scores, and values out of range") {
  const std::vector<double> z(8, 1.);
  refuses<2>(msn_loss{}, 2, z, z);
  refuses<2, 4>(msn_loss{}, 2, z, z);  // no predictor
  CHECK_THROWS_AS(msn_loss{.temperature = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(msn_loss{.spread = -1}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  passes_nan_on<5>(msn_loss{.iterations = 3}, 2, 1);
  passes_nan_on<5>(msn_loss{}, 2, 1);
}
