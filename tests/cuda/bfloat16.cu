#include "bfloat16.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("activations in bfloat16 teach SimCLR, BYOL and MAE what float teaches them, on the GPU") {
  record_steps_in_bfloat16();
  steps_in_bfloat16<cuda>();
}
TEST_CASE("weights on the GPU keep updates that bfloat16 could not tell") { small_updates_are_kept<cuda>(); }
