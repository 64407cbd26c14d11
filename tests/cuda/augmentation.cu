#include "augmentation.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("views on the GPU match the CPU's") {
  record_augmentations();
  augmentations<cuda_gpu>();
}
TEST_CASE("views of other channels and samples on the GPU match the CPU's") {
  record_other_channels();
  other_channels<cuda_gpu>();
}
TEST_CASE("RandAugment's operations on the GPU match the CPU's") {
  record_photometric_operations();
  photometric_operations<cuda_gpu>();
}
