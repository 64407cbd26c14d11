#include "training_steps.hpp"

#include <pretext/kernels/gpu/operations.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

template <>
std::size_t pretext::tests::memory_mark<emulated>() {
  return emulated::allocations();
}

TEST_CASE("SimCLR and BYOL on the emulated GPU learn what the CPU learns") {
  joint_embedding_steps<emulated>();
}
TEST_CASE("MAE, SimMIM and fine-tuning on the emulated GPU learn what the CPU learns") {
  transformer_steps<emulated>();
}
TEST_CASE("SimCLR with explicit im2col stays close to what the CPU learns") { rounded_steps<emulated>(); }
TEST_CASE("sums of deferred losses match the CPU's") { sums_of_losses<emulated>(); }
TEST_CASE("a NaN loss changes nothing") { nan_steps<emulated>(); }
TEST_CASE("a step allocates nothing once it has run twice") { steps_allocate_nothing<emulated>(); }
