#include <pretext/cuda.cuh>

#include "batch_losses.hpp"
#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("losses of batches on the GPU match the CPU's, and what they remember") {
  record_batch_losses();
  batch_losses<cuda_gpu>();
}
TEST_CASE("a step whose loss is NaN leaves what a loss remembers on the GPU as it was") {
  keeps_state_of_a_lost_step<cuda_gpu>();
}
