#include "augmentation.hpp"

#include <pretext/augment/presets.hpp>

#include "compare_with_cpu.hpp"

using namespace pretext::tests;

TEST_CASE("views on the emulated GPU match the CPU's") { augmentations<emulated>(); }
TEST_CASE("views of other channels and samples on the emulated GPU match the CPU's") {
  other_channels<emulated>();
}
TEST_CASE("RandAugment's operations on the emulated GPU match the CPU's") {
  photometric_operations<emulated>();
}
TEST_CASE("views of 518 pixels fit into the shared memory of every GPU") {
  using namespace pretext;
  using pipeline = decltype(simclr_imagenet<multiplicative_brightness>());
  using kernel = grid::make_views<pipeline, 518, 518, 3, indexed_images, bfloat16>;
  CHECK(sizeof(kernel::shared) <= std::size_t{99} << 10);
}
