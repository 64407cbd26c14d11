#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/info_nce.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("InfoNCE agrees with the official code of MoCo v3") {
  const auto file = tests::reference("loss_moco_v3");
  for (const auto& entry : tests::hyper_parameter(file, "temperatures").elements())
    tests::agrees_with_case(info_nce{.temperature = entry.get<double>()}, file, "symmetric_" + entry.text(),
                            {"q1", "q2"}, {"k1", "k2"});
}

TEST_CASE("the gradient of InfoNCE matches finite differences and is added") {
  const auto found = check_loss<7>(info_nce{.temperature = 0.3}, {.batch = 10, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}
