#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/masking/blockwise_masking.hpp>

using namespace pretext;

namespace {

template <std::size_t Side>
using square = patch_grid<shape<Side, Side, 3>, 1>;

/// The flags of samples `first` to `first` + count - 1, `views` of each.
template <class Grid, class Masking>
std::vector<std::vector<std::uint8_t>> draw(const Masking& masking, std::size_t count, std::size_t views = 1,
                                            std::uint32_t epoch = 0, std::uint64_t first = 0,
                                            std::size_t threads = 1) {
  on<cpu> context{.stream = cpu::stream{threads}};
  std::vector<std::uint64_t> samples(count);
  std::iota(samples.begin(), samples.end(), first);
  context.step.keys = {3, epoch, samples.data(), samples.size()};
  const auto flags = masking.template draw<Grid>(context, views * count);
  REQUIRE(flags.batch == views * count);
  std::vector<std::vector<std::uint8_t>> all;
  for (std::size_t i = 0; i < flags.batch; ++i)
    all.emplace_back(flags.masked + i * Grid::patches, flags.masked + (i + 1) * Grid::patches);
  return all;
}

std::vector<double> counts_of(const std::vector<std::vector<std::uint8_t>>& flags) {
  std::vector<double> counts;
  for (const auto& each : flags) counts.push_back(double(std::accumulate(each.begin(), each.end(), 0)));
  return counts;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.) / double(values.size());
}

/// Compares counts and the frequency of each patch with the official sampler's.
template <class Grid>
void agrees_with_ibot(const std::string& name, const blockwise_masking& masking) {
  CAPTURE(name);
  const auto file = tests::reference("mask_samplers");
  auto expected = file.at(name + ".counts").as<double>();
  const auto frequency = file.at(name + ".frequency").as<double>();
  const auto flags = draw<Grid>(masking, 8000);
  auto counts = counts_of(flags);
  CHECK(std::ranges::max(counts) <= std::floor(masking.largest * double(Grid::patches)));
  CHECK(std::abs(double(std::ranges::count(counts, 0.)) / 8000 -
                 double(std::ranges::count(expected, 0.)) / double(expected.size())) < 0.03);
  CHECK(mean_of(counts) == doctest::Approx(mean_of(expected)).epsilon(0.04));
  std::erase(counts, 0.);
  std::erase(expected, 0.);
  for (const double part : {0.1, 0.5, 0.9}) {
    const auto quantile = [&](std::vector<double>& of) {
      std::ranges::sort(of);
      return of[std::size_t(part * double(of.size()))];
    };
    CHECK(quantile(counts) == doctest::Approx(quantile(expected)).epsilon(0.06));
  }
  REQUIRE(frequency.size() == Grid::patches);
  for (std::size_t p = 0; p < Grid::patches; ++p) {
    CAPTURE(p);
    double found = 0;
    for (const auto& each : flags) found += each[p];
    CHECK(std::abs(found / 8000 - frequency[p]) < 0.035);  // four standard deviations of a difference
  }
}

}  // namespace

TEST_CASE("masks of blocks have the counts and frequencies of iBOT's official sampler") {
  agrees_with_ibot<square<14>>("ibot_14_mixed", {});
  agrees_with_ibot<square<14>>("ibot_14_fixed", {.smallest = 0.3, .largest = 0.3, .probability = 1});
  agrees_with_ibot<square<8>>("ibot_8_mixed", {});
}

TEST_CASE("masks of blocks of a given number of patches have the counts of DINOv2's official sampler") {
  const auto file = tests::reference("mask_samplers");
  for (const std::size_t wish : {26, 64, 128}) {
    CAPTURE(wish);
    const auto expected = file.at("dinov2_16_" + std::to_string(wish) + ".counts").as<double>();
    const double ratio = (double(wish) + .5) / 256;
    const auto counts = counts_of(draw<square<16>>(
        balanced_blockwise_masking{.smallest = ratio, .largest = ratio, .probability = 1}, 1000));
    CHECK(std::ranges::max(counts) <= double(wish));
    CHECK(std::ranges::min(counts) >= std::ranges::min(expected) - 3);
    CHECK(mean_of(counts) == doctest::Approx(mean_of(expected)).epsilon(0.005));
  }
}

TEST_CASE("balanced masks: as many views as wished, one in each slice of the range of ratios") {
  using grid = square<16>;
  const balanced_blockwise_masking masking{.smallest = 0.1, .largest = 0.4, .probability = 0.5};
  auto counts = counts_of(draw<grid>(masking, 10, 2));
  CHECK(std::ranges::count(counts, 0.) == 10);
  const auto unsorted = counts;
  std::ranges::sort(counts);
  CHECK(counts != unsorted);
  for (std::size_t slice = 0; slice < 10; ++slice) {
    CAPTURE(slice);
    // A mask may be a few patches short of what was drawn.
    CHECK(counts[10 + slice] <= std::floor(256 * (0.1 + 0.03 * double(slice + 1))));
    CHECK(counts[10 + slice] >= std::floor(256 * (0.1 + 0.03 * double(slice))) - 4);
  }
}

TEST_CASE("the masks of a sample's views differ, change with the epoch and not with batch or threads") {
  using grid = square<8>;
  const blockwise_masking masking{.probability = 1};
  const auto all = draw<grid>(masking, 20, 2);
  for (std::size_t i = 0; i < 20; ++i) CHECK(all[i] != all[20 + i]);
  CHECK(draw<grid>(masking, 20, 2, 0, 0, 3) == all);
  CHECK(draw<grid>(masking, 20, 2, 1) != all);
  const auto later = draw<grid>(masking, 5, 1, 0, 10);
  for (std::size_t i = 0; i < 5; ++i) CHECK(later[i] == all[10 + i]);
  const balanced_blockwise_masking balanced;
  CHECK(draw<grid>(balanced, 20, 2) == draw<grid>(balanced, 20, 2, 0, 0, 3));
}

TEST_CASE("masks of blocks fit grids that are not square, and few patches") {
  using wide = patch_grid<shape<2, 9, 3>, 1>;
  const auto counts = counts_of(draw<wide>(blockwise_masking{.probability = 1}, 200));
  CHECK(std::ranges::max(counts) <= 9);
  CHECK(std::ranges::count(counts, 0.) < 20);  // a wish below half a patch is none
  using tiny = square<2>;
  for (const double count : counts_of(draw<tiny>(balanced_blockwise_masking{.probability = 1}, 200)))
    CHECK(count <= 2);
}

TEST_CASE("ratios and probabilities out of range are refused, and so is a step without samples") {
  CHECK_THROWS_WITH_AS((blockwise_masking{.smallest = 0.6}.check()),
                       doctest::Contains("the ratios 0.6 and 0.5 must be in [0, 1], the smallest first"),
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((balanced_blockwise_masking{.probability = 2}.check()),
                       doctest::Contains("probability 2 must be in [0, 1]"), std::invalid_argument);
  on<cpu> context;
  CHECK_THROWS_WITH_AS(blockwise_masking{}.draw<square<8>>(context, 2),
                       doctest::Contains("this step has none: pass .samples"), std::invalid_argument);
}
