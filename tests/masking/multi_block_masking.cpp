// Tests of multi_block_masking.hpp and context_and_targets.hpp.
#include "support/reference.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/masking/multi_block_masking.hpp>

using namespace pretext;

namespace {

using grid = patch_grid<shape<224, 224, 3>, 16>;

/// Masks of samples 0 to count - 1 with the memory that holds them.
template <class Masking, class Grid>
struct drawn {
  on<cpu> context;
  std::vector<std::uint64_t> samples;
  typename Masking::template masks<Grid> masks;

  explicit drawn(std::size_t count, std::uint32_t epoch = 0, std::uint64_t first = 0, std::size_t threads = 1)
      : context{.stream = cpu::stream{threads}}, samples(count) {
    std::iota(samples.begin(), samples.end(), first);
    context.step.keys = {3, epoch, samples.data(), samples.size()};
    masks = Masking{}.template draw<Grid>(context, count);
  }
  std::vector<std::uint32_t> visible(std::size_t sample) const {
    const auto* from = masks.context + sample * masks.visible;
    return {from, from + masks.visible};
  }
  std::vector<std::uint32_t> target(std::size_t t, std::size_t sample) const {
    const auto* from = masks.hidden + (t * masks.batch + sample) * masks.per_target;
    return {from, from + masks.per_target};
  }
};

}  // namespace

TEST_CASE("blocks have the extents that I-JEPA's official code gives them for the same random numbers") {
  const auto file = tests::reference("mask_samplers");
  for (const std::size_t side : {6, 14, 16}) {
    CAPTURE(side);
    const auto name = "ijepa_" + std::to_string(side);
    const auto u = file.at(name + ".u").as<double>();
    const auto targets = file.at(name + ".target_size").as<std::int64_t>(),
               contexts = file.at(name + ".context_size").as<std::int64_t>();
    REQUIRE(targets.size() == 2 * u.size());
    using masking = multi_block_masking<>;
    for (std::size_t i = 0; i < u.size(); ++i) {
      CAPTURE(u[i]);
      const auto expected = [&](const std::vector<std::int64_t>& sizes) {
        return block_extents{std::size_t(sizes[2 * i]), std::size_t(sizes[2 * i + 1])};
      };
      CHECK(block_extents_for(u[i], side, side, masking::target_range) == expected(targets));
      CHECK(block_extents_for(u[i], side, side, masking::context_range) == expected(contexts));
    }
  }
}

TEST_CASE("the extents of a grid are constants") {
  using masks = multi_block_masking<>::masks<grid>;
  static_assert(multi_block_masking<>::target<grid> == block_extents{6, 5});
  static_assert(multi_block_masking<>::context<grid> == block_extents{13, 13});
  static_assert(masks::visible == 49 && masks::targets == 4 && masks::per_target == 30);
}

TEST_CASE("targets are blocks, and the context is the first places of a block in none of them") {
  const drawn<multi_block_masking<>, grid> some{300};
  std::set<std::uint32_t> corners, seen;
  for (std::size_t n = 0; n < 300; ++n) {
    std::set<std::uint32_t> hidden;
    for (std::size_t t = 0; t < 4; ++t) {
      const auto places = some.target(t, n);
      corners.insert(places[0]);
      for (std::size_t i = 0; i < places.size(); ++i)
        CHECK(places[i] == places[0] + i / 5 * grid::columns + i % 5);
      CHECK(places[0] / grid::columns < grid::rows - 6);  // the last row and column are in no block
      CHECK(places[0] % grid::columns < grid::columns - 5);
      hidden.insert(places.begin(), places.end());
    }
    const auto context = some.visible(n);
    CHECK(std::ranges::is_sorted(context));
    seen.insert(context.begin(), context.end());
    // Every place of the context's block before its last one is visible or hidden.
    const auto first_column = [&](std::uint32_t from) {
      for (std::uint32_t p = context[0]; p < context.back(); ++p) {
        const auto c = p % grid::columns;
        if (c < from || c >= from + 13) continue;
        if (std::ranges::find(context, p) == context.end() && !hidden.contains(p)) return false;
      }
      return true;
    };
    CHECK(first_column(0));  // 13 of 14 columns, and the last is never used: the block begins in the first
    for (const auto p : context) {
      CHECK_FALSE(hidden.contains(p));
      CHECK(p % grid::columns < grid::columns - 1);
      CHECK(p / grid::columns < grid::rows - 1);
    }
  }
  CHECK(corners.size() == 8 * 9);  // all
  CHECK(seen.size() > 120);
}

TEST_CASE("where the targets leave too few places, the last ones are let into the context") {
  // Four targets of 2x2 in a grid of 6x6 may leave as few as 25 - 16 places of a block of 5x5; 20 are wanted.
  using small = patch_grid<shape<24, 24, 3>, 4>;
  const drawn<multi_block_masking<4, std::ratio<20, 36>>, small> some{200};
  std::size_t overlapping = 0, apart = 0;
  for (std::size_t n = 0; n < 200; ++n) {
    const auto context = some.visible(n);
    CHECK(std::set<std::uint32_t>(context.begin(), context.end()).size() == 20);
    const auto is_in_context = [&](std::uint32_t p) { return std::ranges::binary_search(context, p); };
    std::size_t overlaps = 0;
    for (std::size_t t = 0; t < 4; ++t) {
      const auto places = some.target(t, n);
      overlaps += std::ranges::any_of(places, is_in_context);
    }
    (overlaps > 0 ? overlapping : apart) += 1;
  }
  CHECK(overlapping > 0);
}

TEST_CASE("masks are a pure function of seed, epoch and sample, whatever the batch and the threads") {
  using masking = multi_block_masking<>;
  const drawn<masking, grid> all{9, 1}, threads{9, 1, 0, 3}, alone{1, 1, 7}, later{1, 2, 7};
  for (std::size_t n = 0; n < 9; ++n) CHECK(all.visible(n) == threads.visible(n));
  CHECK(alone.visible(0) == all.visible(7));
  for (std::size_t t = 0; t < 4; ++t) CHECK(alone.target(t, 0) == all.target(t, 7));
  CHECK(alone.target(0, 0) != all.target(0, 6));
  CHECK((later.target(0, 0) != alone.target(0, 0) || later.target(1, 0) != alone.target(1, 0)));
}
