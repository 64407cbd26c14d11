#include "augmentation.hpp"

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("views made on a grid are the CPU's") { augmentations<emulated>(); }
TEST_CASE("operations of RandAugment on a grid are the CPU's") { photometric_operations<emulated>(); }
