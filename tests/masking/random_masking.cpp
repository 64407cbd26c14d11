#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/masking/random_masking.hpp>

using namespace pretext;

namespace {

using grid = patch_grid<shape<224, 224, 3>, 16>;
using some_masks = masks_of<random_masking<>, grid>;

/// The masks of a batch, copied out of the step's memory.
std::vector<std::uint32_t> orders(const std::vector<std::uint64_t>& samples, std::uint64_t seed,
                                  std::uint32_t epoch, std::size_t threads = 1) {
  on<cpu> context{.stream = cpu::stream{threads},
                  .step = {.keys = {seed, epoch, samples.data(), samples.size()}}};
  const auto drawn = random_masking<>{}.draw<grid>(context, samples.size());
  return {drawn.order, drawn.order + samples.size() * grid::patches};
}

std::vector<std::uint64_t> first_samples(std::size_t count) {
  std::vector<std::uint64_t> samples(count);
  std::iota(samples.begin(), samples.end(), 0);
  return samples;
}

}  // namespace

TEST_CASE("the number of visible patches is Python's int(patches * (1 - ratio))") {
  static_assert(some_masks::visible == 49 && some_masks::masked == 147);
  static_assert(masks_of<random_masking<>, patch_grid<shape<224, 224, 3>, 14>>::visible == 64);
  static_assert(masks_of<random_masking<>, patch_grid<shape<32, 32, 3>, 4>>::visible == 16);
  static_assert(masks_of<random_masking<>, patch_grid<shape<24, 24, 3>, 4>>::visible == 9);
  // In double precision 1 - 9/10 is less than one tenth, and 100 times that less than 10: Python gives 9.
  using hundred = patch_grid<shape<10, 10, 1>, 1>;
  static_assert(masks_of<random_masking<std::ratio<9, 10>>, hundred>::visible == 9);
  static_assert(masks_of<random_masking<std::ratio<7, 10>>, hundred>::visible == 30);
  static_assert(masks_of<random_masking<std::ratio<3, 5>>, hundred>::visible == 40);
}

TEST_CASE(
    "every sample has the same number of visible patches, each once, and restore is the inverse of order") {
  const auto samples = first_samples(20);
  on<cpu> context{.step = {.keys = {3, 1, samples.data(), samples.size()}}};
  const some_masks drawn = random_masking<>{}.draw<grid>(context, samples.size());
  REQUIRE(drawn.batch == 20);
  for (std::size_t n = 0; n < 20; ++n) {
    const auto* order = drawn.order + n * grid::patches;
    const auto* restore = drawn.restore + n * grid::patches;
    CHECK(std::set<std::uint32_t>(order, order + grid::patches).size() == grid::patches);
    CHECK(std::count_if(restore, restore + grid::patches,
                        [](std::uint32_t at) { return at < some_masks::visible; }) == 49);
    for (std::uint32_t p = 0; p < grid::patches; ++p) CHECK(order[restore[p]] == p);
  }
}

TEST_CASE(
    "a mask is a pure function of seed, epoch and sample, whatever the batch and the number of threads") {
  const auto samples = first_samples(9);
  const auto all = orders(samples, 3, 1);
  CHECK(orders(samples, 3, 1, 3) == all);
  const auto alone = orders({samples[7]}, 3, 1);
  CHECK(std::equal(alone.begin(), alone.end(), all.begin() + 7 * std::ptrdiff_t(grid::patches)));
  CHECK(orders({samples[6]}, 3, 1) != alone);
  CHECK(orders({samples[7]}, 4, 1) != alone);
  CHECK(orders({samples[7]}, 3, 2) != alone);
}

TEST_CASE("every patch is masked in three of four masks, whatever its position") {
  const std::size_t count = 2000;
  const auto order = orders(first_samples(count), 5, 0);
  std::vector<std::size_t> seen(grid::patches);
  for (std::size_t n = 0; n < count; ++n)
    for (std::size_t i = 0; i < some_masks::visible; ++i) ++seen[order[n * grid::patches + i]];
  const auto [least, most] = std::ranges::minmax(seen);
  CHECK(least > 500 - 97);  // five standard deviations of 19.4
  CHECK(most < 500 + 97);
}

TEST_CASE("equal noise is ordered by index") {
  on<cpu> context;
  const std::vector<double> noise{.5, .25, .5, .25, 0, .5};
  std::vector<std::uint32_t> order(6), restore(6);
  kernels::order_by_noise<cpu>::run(context, 1, 6, noise.data(), order.data(), restore.data());
  CHECK(order == std::vector<std::uint32_t>{4, 1, 3, 0, 2, 5});
  CHECK(restore == std::vector<std::uint32_t>{3, 1, 4, 2, 0, 5});
}

TEST_CASE("masking a step without samples is refused, and the message says what to pass") {
  on<cpu> context;
  CHECK_THROWS_WITH_AS(random_masking<>{}.draw<grid>(context, 4),
                       doctest::Contains("pass .samples (with .seed and .epoch) to trainer.step"),
                       std::invalid_argument);
}
