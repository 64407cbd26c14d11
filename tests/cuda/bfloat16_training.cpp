#include "bfloat16_training.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("SimCLR, BYOL and MAE learn in bfloat16 what they learn in float") {
  const auto before = fused_products();
  steps_in_bfloat16<emulated>();
  CHECK(fused_products() > before);
}
TEST_CASE("weights keep updates that are smaller than bfloat16 resolves") {
  small_updates_persist<emulated>();
}
