#include "cuda/steps.hpp"

using namespace pretext::tests;

TEST_CASE("SimCLR and BYOL on a grid learn what the CPU learns") { joint_embedding_steps<emulated>(); }
TEST_CASE("deferred losses add up") { sums_of_losses<emulated>(); }
TEST_CASE("a loss that is not a number leaves everything as it was") { broken_steps<emulated>(); }
TEST_CASE("a step on a grid allocates nothing once it has run twice") { steps_allocate_nothing<emulated>(); }
