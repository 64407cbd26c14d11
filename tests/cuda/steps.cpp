#include "steps.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

template <>
std::size_t pretext::tests::memory_mark<emulated>() {
  return emulated::allocations();
}

TEST_CASE("SimCLR and BYOL on a grid learn what the CPU learns") { joint_embedding_steps<emulated>(); }
TEST_CASE("MAE, SimMIM and fine-tuning on a grid learn what the CPU learns") {
  transformer_steps<emulated>();
}
TEST_CASE("SimCLR through stored patches stays near what the CPU learns") { rounded_steps<emulated>(); }
TEST_CASE("deferred losses add up") { sums_of_losses<emulated>(); }
TEST_CASE("a loss that is not a number leaves everything as it was") { broken_steps<emulated>(); }
TEST_CASE("a step on a grid allocates nothing once it has run twice") { steps_allocate_nothing<emulated>(); }
