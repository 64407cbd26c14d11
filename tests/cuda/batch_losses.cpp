#include "batch_losses.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("losses of batches match the CPU's, and what they remember") { batch_losses<emulated>(); }
TEST_CASE("a step whose loss is NaN leaves what a loss remembers as it was") {
  keeps_state_of_a_lost_step<emulated>();
}
