#include "rounded_factors.hpp"

#include <pretext/cuda.cuh>

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("NT-Xent on a GPU's tensor cores is its formula with rounded factors") {
  losses_of_rounded_views<cuda>();
}
TEST_CASE("attention on a GPU's tensor cores is its formula with rounded probabilities") {
  attention_of_rounded_weights<cuda>();
}
