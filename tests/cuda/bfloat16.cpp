#include "bfloat16.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("activations in bfloat16 teach SimCLR, BYOL and MAE what float teaches them") {
  const auto ended = fused_products();
  steps_in_bfloat16<emulated>();
  CHECK(fused_products() > ended);
}
TEST_CASE("weights keep updates that bfloat16 could not tell") { small_updates_are_kept<emulated>(); }
