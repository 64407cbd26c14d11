#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/koleo.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("KoLeo agrees with DINOv2") {
  agrees_with_batch<9>(koleo{}, tests::reference("loss_koleo"), "koleo", {.p = {"x"}});
}

TEST_CASE("KoLeo of six points is that of the formula, the sum over the first views") {
  const std::vector<double> z{0, 1, 1, 0, 1, 1, -1, 0, 0, -1, -1, -1};
  CHECK(run_batch<fp64, 2>(koleo{}, 6, z, {}).value == doctest::Approx(.2673999853041555).epsilon(1e-13));
  std::vector<double> three = z;
  for (int view = 0; view < 2; ++view) three.insert(three.end(), z.begin(), z.end());
  const auto found = run_batch<fp64, 2>(koleo{}, 6, three, {});
  CHECK(found.value == doctest::Approx(2 * .2673999853041555).epsilon(1e-13));
  CHECK(std::vector<double>(found.gradient.begin() + 24, found.gradient.end()) == std::vector<double>(12));
}

TEST_CASE("the gradient of KoLeo matches finite differences and is added") {
  for (const std::size_t views : {1u, 3u}) {
    const auto found = check_loss<5>(koleo{}, loss_check_batch{views, 0}, {.batch = 6 * views, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("KoLeo is finite for rows of zeros and equal rows") {
  stays_finite<5>(koleo{}, 2, 0);
  CHECK(detail::is_finite(run_batch<fp64, 2>(koleo{}, 3, {1, 2, 1, 2, 1, 2}, {}).value));
}

TEST_CASE("KoLeo refuses a single image, and hyper-parameters out of range") {
  refuses<4>(koleo{}, 1, std::vector<double>(8, 1.));
  CHECK_THROWS_AS(koleo{.views = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(koleo{.epsilon = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") { passes_nan_on<5>(koleo{}, 2, 0); }
