#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/negative_cosine.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the losses of SimSiam and FastSiam agree with lightly") {
  const auto file = tests::reference("loss_simsiam");
  agrees_with_batch<9>(negative_cosine{}, file, "simsiam", {.p = {"p1", "p2"}, .target = {"z1", "z2"}});
  agrees_with_batch<9>(negative_cosine{}, file, "fast_siam",
                       {.p = {"p1", "p2", "p3"}, .target = {"z1", "z2", "z3"}});
}

TEST_CASE("a prediction equal to the target of the other view has a cosine of 1") {
  const std::vector<double> p{3, 4, 1, 0}, z{2, 0, 6, 8};
  CHECK(run_batch<fp64, 2>(negative_cosine{}, 1, p, z).value == doctest::Approx(-1));
  // One view of each network, which differ.
  CHECK(run_batch<fp64, 2>(negative_cosine{}, 2, p, {6, 8, 0, 5}, 1).value == doctest::Approx(-.5));
}

TEST_CASE("the gradient of the negative cosine matches finite differences and is added") {
  for (const loss_check_batch& of : {loss_check_batch{.views = 2}, loss_check_batch{4, 4},
                                     loss_check_batch{4, 2}, loss_check_batch{1, 1, 1}}) {
    const auto found = check_loss<7>(negative_cosine{}, of, {.batch = 12, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("the negative cosine is finite for rows of zeros") { stays_finite<5>(negative_cosine{}, 2, 2); }

TEST_CASE("the negative cosine refuses a view that is compared with itself, and rows that are no views") {
  const std::vector<double> p(8, 1.);
  refuses<2>(negative_cosine{}, 4, p, p);
  refuses<2>(negative_cosine{}, 3, p, p);
}

TEST_CASE("NaN among the rows makes the loss NaN") { passes_nan_on<5>(negative_cosine{}, 2, 2); }
