#include "augmentation.hpp"

#include <pretext/cuda.cuh>

#include "on_gpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("views made on the GPU are the CPU's") {
  record_augmentations();
  augmentations<cuda>();
}
TEST_CASE("operations of RandAugment on the GPU are the CPU's") {
  record_photometric_operations();
  photometric_operations<cuda>();
}
