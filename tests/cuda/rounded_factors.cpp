#include "rounded_factors.hpp"

#include "beside_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("NT-Xent on tensor cores is its formula with rounded factors") {
  losses_of_rounded_views<emulated>();
}
