#include "augmentation.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("views on the emulated GPU match the CPU's") { augmentations<emulated>(); }
TEST_CASE("views of other channels and samples on the emulated GPU match the CPU's") {
  other_channels<emulated>();
}
TEST_CASE("RandAugment's operations on the emulated GPU match the CPU's") {
  photometric_operations<emulated>();
}
