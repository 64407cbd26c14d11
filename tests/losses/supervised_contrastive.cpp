#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/supervised_contrastive.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("supervised contrast agrees with SupContrast, and with solo-learn where the sum is inside") {
  const auto file = tests::reference("loss_supcon");
  const batch_of_case batch{.p = {"z1", "z2"}, .labels = "labels"};
  agrees_with_batch<9>(supervised_contrastive{.1}, file, "supcon_0.1_base_0.1", batch);
  agrees_with_batch<9>(supervised_contrastive{.5}, file, "supcon_0.5_base_0.5", batch);
  agrees_with_batch<9>(supervised_contrastive{.1, .1 / .07}, file, "supcon_0.1_base_0.07", batch);
  agrees_with_batch<9>(supervised_contrastive{.1, 1, positives::inside_logarithm}, file, "solo_0.1", batch);
}

TEST_CASE(
    "images of their own classes have the loss of NT-Xent, and those of one class that of the formula") {
  const std::vector<double> z{1, 0, 0, 1, .6, .8, .8, -.6};
  CHECK(run_batch<fp64, 2>(supervised_contrastive{.5}, 2, z, {}, 0, {4, -7}).value ==
        doctest::Approx(2.0301902771367115).epsilon(1e-13));
  CHECK(run_batch<fp64, 2>(supervised_contrastive{.1}, 2, z, {}, 0, {1, 1}).value ==
        doctest::Approx(5.397113173095244).epsilon(1e-13));
}

TEST_CASE("an anchor without another row of its class counts as zero") {
  const std::vector<double> z{1, 0, 0, 1, .6, .8};
  const auto alone = run_batch<fp64, 2>(supervised_contrastive{}, 3, z, {}, 0, {1, 2, 3});
  CHECK(alone.value == 0);
  CHECK(alone.gradient == std::vector<double>(6));
  const auto two = run_batch<fp64, 2>(supervised_contrastive{}, 3, z, {}, 0, {1, 2, 1});
  CHECK(two.value > 0);
}

TEST_CASE(
    "the gradient of supervised contrast matches finite differences and is added, for any number of views") {
  for (const positives sum : {positives::outside_logarithm, positives::inside_logarithm})
    for (const std::size_t views : {1u, 2u, 3u}) {
      const auto found =
          check_loss<7>(supervised_contrastive{.3, 2, sum}, loss_check_batch{views, 0, 0, {0, 1, 0, 2}},
                        {.batch = 4 * views, .threads = 2});
      CHECK_MESSAGE(found.error < 1e-6, found.text());
    }
}

TEST_CASE("supervised contrast is finite for rows of zeros and a tiny temperature") {
  stays_finite<5>(supervised_contrastive{.1}, 2, 0, 0, {1, 1, 2});
  stays_finite<5>(supervised_contrastive{1e-4, 1, positives::inside_logarithm}, 2, 0, 0, {1, 2, 1});
}

TEST_CASE("supervised contrast refuses a batch without labels or of one row, and values out of range") {
  const std::vector<double> z(8, 1.);
  refuses<2>(supervised_contrastive{}, 2, z);
  refuses<8>(supervised_contrastive{}, 1, z, {}, 0, {1});
  CHECK_THROWS_AS(supervised_contrastive{.temperature = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(supervised_contrastive{.weight = detail::infinity<double>}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  passes_nan_on<5>(supervised_contrastive{}, 2, 0, 0, {1, 2, 3, 1, 2, 3});
}
