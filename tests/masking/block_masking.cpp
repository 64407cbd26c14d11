#include <doctest/doctest.h>

#include <numeric>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/masking/block_masking.hpp>

using namespace pretext;

TEST_CASE("the number of masked units is rounded up, as in SimMIM's official code") {
  // 7x7 units of 2x2 patches: ceil(49 * 0.6) = 30 are masked.
  static_assert(masks_of<block_masking<>, patch_grid<shape<224, 224, 3>, 16>>::masked == 120);
  // 6x6 units of one patch: ceil(36 * 0.5) = 18 exactly.
  static_assert(masks_of<block_masking<32, std::ratio<1, 2>>, patch_grid<shape<192, 192, 3>, 32>>::masked ==
                18);
  static_assert(masks_of<block_masking<8>, patch_grid<shape<32, 16, 3>, 4>>::masked == 5 * 4);
}

TEST_CASE("units are masked as a whole, different ones in each sample, the same number in each") {
  using grid = patch_grid<shape<224, 96, 3>, 8>;  // 28x12 patches, 7x3 units of 4x4
  using some_masks = masks_of<block_masking<>, grid>;
  static_assert(some_masks::masked == 13 * 16);
  std::vector<std::uint64_t> samples(30);
  std::iota(samples.begin(), samples.end(), 100);
  on<cpu> context{.step = {.keys = {1, 0, samples.data(), samples.size()}}};
  const some_masks drawn = block_masking<>{}.draw<grid>(context, samples.size());
  std::size_t differ = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    const auto masked = [&](std::size_t sample, std::size_t r, std::size_t c) {
      return drawn.restore[sample * grid::patches + r * grid::columns + c] >= some_masks::visible;
    };
    std::size_t count = 0;
    for (std::size_t r = 0; r < grid::rows; ++r)
      for (std::size_t c = 0; c < grid::columns; ++c) {
        count += masked(n, r, c);
        CHECK(masked(n, r, c) == masked(n, r / 4 * 4, c / 4 * 4));
        differ += masked(n, r, c) != masked((n + 1) % samples.size(), r, c);
        const auto p = r * grid::columns + c;
        CHECK(drawn.order[n * grid::patches + drawn.restore[n * grid::patches + p]] == p);
      }
    CHECK(count == some_masks::masked);
  }
  CHECK(differ > 0);
}
