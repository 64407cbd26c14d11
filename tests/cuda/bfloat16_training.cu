#include "bfloat16_training.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("SimCLR, BYOL and MAE learn in bfloat16 on the GPU, with timed plans, what they learn in float") {
  record_steps_in_bfloat16();
  steps_in_bfloat16<cuda_gpu>();
}
TEST_CASE("weights on the GPU keep updates that are smaller than bfloat16 resolves") {
  small_updates_persist<cuda_gpu>();
}
