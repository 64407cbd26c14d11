#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/alignment_uniformity.hpp>
#include <pretext/losses/check_loss.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("alignment and uniformity agree with lightly") {
  const auto file = tests::reference("loss_align_uniform");
  tests::agrees_with_case(alignment_uniformity{.t = 1, .uniformity = 1}, file, "t_1.0_weight_1.0");
  tests::agrees_with_case(alignment_uniformity{.t = 2, .uniformity = 0.5}, file, "t_2.0_weight_0.5");
}

TEST_CASE("the gradient of alignment and uniformity matches finite differences and is added") {
  const auto found =
      check_loss<7>(alignment_uniformity{.t = 1.5, .uniformity = 0.7}, {.batch = 10, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}
