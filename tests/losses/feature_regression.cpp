#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/feature_regression.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("feature regression agrees with torch's smooth L1 loss of layer-normalised features") {
  auto file = tests::reference("loss_feature_regression");
  // Tokens are rows of one view: (images, tokens, D).
  const std::size_t d = file.at("prediction").shape[2],
                    tokens = file.at("prediction").as<double>().size() / d;
  REQUIRE(d == 6);
  for (const std::string label : {"smooth_l1", "squares"}) {
    const feature_regression loss{.distance = label == "squares" ? feature_distance::squares
                                                                 : feature_distance::smooth_l1};
    const auto run = [&]<class Numerics>(Numerics, std::size_t threads) {
      return run_batch<Numerics, 6>(loss, tokens, file.at("prediction").as<double>(),
                                    file.at("feature").as<double>(), 0, {}, {}, -1, threads);
    };
    const double expected = file.at(label).as<double>()[0];
    const auto slopes = file.at(label + ".grad.prediction").as<double>();
    const auto found = run(fp64{}, 1), single = run(fp32{}, 3);
    CHECK(found == run(fp64{}, 3));
    CHECK(single == run(fp32{}, 1));
    CHECK(found.value == doctest::Approx(expected).epsilon(1e-10));
    CHECK(relative_difference(found.gradient, slopes) < 1e-10);
    CHECK(single.value == doctest::Approx(expected).epsilon(2e-5));
    CHECK(relative_difference(single.gradient, slopes) < 2e-5);
  }
}

TEST_CASE("rows of several tokens are compared token by token") {
  const auto p = detail::normal_values(24, 1), target = detail::normal_values(24, 2);
  const auto tokens = run_batch<fp64, 6>(feature_regression{}, 4, p, target);
  on<cpu, fp64> context;
  std::vector<double> gradient(24);
  loss_batch<on<cpu, fp64>, shape<2, 6>> batch{.images = 1, .views = 2, .target_views = 2};
  batch.p = {p.data(), 2};
  batch.dp = {gradient.data(), 2};
  batch.target = {target.data(), 2};
  CHECK(feature_regression{}(context, batch) == tokens.value);
  CHECK(relative_difference(gradient, tokens.gradient) < 1e-14);
}

TEST_CASE("the smooth L1 loss and layer normalisation are those of the formulas") {
  const feature_regression plain{.normalises = false};
  CHECK(run_batch<fp64, 2>(plain, 1, {0, 2}, {.5, 0}).value == .8125);
  CHECK(run_batch<fp64, 1>(feature_regression{.beta = 0, .normalises = false}, 2, {3, 1}, {1, 2}).value ==
        1.5);
  const auto found =
      run_batch<fp64, 3>(feature_regression{.distance = feature_distance::squares}, 1, {0, 0, 0}, {1, 2, 3});
  CHECK(found.gradient[0] == doctest::Approx(2. / 3 * 1.22473569).epsilon(1e-8));
  CHECK(found.gradient[2] == doctest::Approx(-2. / 3 * 1.22473569).epsilon(1e-8));
}

TEST_CASE("the gradient of feature regression matches finite differences and is added") {
  for (const feature_regression& loss :
       {feature_regression{}, feature_regression{.beta = .3, .normalises = false},
        feature_regression{.distance = feature_distance::squares}}) {
    const auto found = check_loss<7>(loss, loss_check_batch{4, 4}, {.batch = 12, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("feature regression is finite for rows of zeros") {
  stays_finite<5>(feature_regression{}, 2, 2);
  stays_finite<5>(feature_regression{.beta = 0}, 2, 2);
}

TEST_CASE("feature regression refuses other numbers of rows, and a negative beta") {
  const std::vector<double> z(8, 1.), more(16, 1.);
  refuses<2>(feature_regression{}, 2, z, more);
  CHECK_THROWS_AS(feature_regression{.beta = -1}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  passes_nan_on<5>(feature_regression{}, 2, 2);
  passes_nan_on<5>(feature_regression{.beta = 0, .normalises = false}, 2, 2);
}
