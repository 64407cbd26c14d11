#include <pretext/layers/drop_path.hpp>
#include <pretext/layers/transformer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include <pretext/cpu.hpp>

using namespace pretext;

TEST_CASE("a path is dropped at its rate, and the others are scaled to the same mean") {
  std::vector<std::uint64_t> samples(20000);
  std::iota(samples.begin(), samples.end(), 0);
  on<cpu> context;
  context.step.keys = {.seed = 1, .epoch = 0, .samples = samples.data(), .count = samples.size()};
  std::size_t differ = 0;
  const float* other = drop_path::branch_scales(context, samples.size(), 0.2, 1);
  const float* branch_scale = drop_path::branch_scales(context, samples.size(), 0.2, 0);
  double sum = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    CHECK((branch_scale[n] == 0.f || branch_scale[n] == 1.25f));
    sum += double(branch_scale[n]) / double(samples.size());
    differ += branch_scale[n] != other[n];
  }
  CHECK(sum == doctest::Approx(1).epsilon(0.02));
  CHECK(differ > samples.size() / 4);  // branches are dropped independently: 2·0.2·0.8
}

TEST_CASE("which paths are dropped depends on the sample, not on its position in the batch") {
  const std::uint64_t forth[] = {5, 6, 7, 8, 9}, back[] = {9, 8, 7, 6, 5};
  on<cpu> context;
  context.step.keys = {.seed = 1, .epoch = 3, .samples = forth, .count = 5};
  const float* one = drop_path::branch_scales(context, 5, 0.5, 2);
  context.step.keys.samples = back;
  const float* two = drop_path::branch_scales(context, 5, 0.5, 2);
  for (std::size_t n = 0; n < 5; ++n) CHECK(one[n] == two[4 - n]);
}

TEST_CASE("rate 0 needs no keys and no memory; other rates without sample ids are reported in one sentence") {
  on<cpu> context;
  CHECK(drop_path::branch_scales(context, 8, 0, 0) == nullptr);
  CHECK(context.activations.peak() == 0);
  CHECK_THROWS_WITH_AS(drop_path::branch_scales(context, 8, 0.1, 0), doctest::Contains("pass .samples"),
                       std::invalid_argument);
  CHECK_THROWS_AS(drop_path::branch_scales(context, 8, 1.0, 0), std::invalid_argument);
}

TEST_CASE("rates rise from 0 in the first block to the given one in the last") {
  using tokens = shape<2, 4>;
  using net = transformer<3, 1>;
  std::vector<std::uint64_t> samples(4000);
  std::iota(samples.begin(), samples.end(), 0);
  on<cpu> context;
  context.step.keys = {.seed = 1, .epoch = 0, .samples = samples.data(), .count = samples.size()};
  context.step.drop_path = 0.5;
  std::vector<float> w(weight_count<net, tokens>, 0.1f), x(samples.size() * tokens::size, 0.3f), y(x.size());
  cache_of<net, tokens, on<cpu>> cache;
  net::forward(context, weights<on<cpu>>{w.data(), nullptr}, reads<on<cpu>, tokens>{x.data(), samples.size()},
               writes<on<cpu>, tokens>{y.data(), samples.size()}, cache);
  CHECK(cache.blocks[0].attn_scale == nullptr);
  CHECK(cache.blocks[0].mlp_scale == nullptr);
  for (const std::size_t block : {1U, 2U})
    for (const float* branch_scale : {cache.blocks[block].attn_scale, cache.blocks[block].mlp_scale}) {
      const auto dropped = std::count(branch_scale, branch_scale + samples.size(), 0.f);
      CHECK(double(dropped) / double(samples.size()) == doctest::Approx(0.25 * double(block)).epsilon(0.1));
    }
}
