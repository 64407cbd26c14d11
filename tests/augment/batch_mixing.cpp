// Tests of batch_mixing.hpp, and of batch_mix.hpp, mixup.hpp and cutmix.hpp, which it is built from.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include <pretext/augment/batch_mixing.hpp>
#include <pretext/kernels/cpu/batch_mix.hpp>

using namespace pretext;
using doctest::Approx;

namespace {

using images = shape<6, 8, 3>;

std::vector<double> batch(std::size_t n) {
  std::vector<double> x(n * images::size);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random_key{.sample = i}.uniform(0);
  return x;
}

std::vector<double> mixed(const batch_mix& how, std::vector<double> x, std::size_t threads = 1) {
  on<cpu, fp64> context{.stream = cpu::stream{threads}};
  mix(context, how, tensor_view<double, images>{x.data(), x.size() / images::size});
  return x;
}

std::vector<double> targets(const batch_mix& how, const std::vector<int>& labels, double smoothing) {
  on<cpu, fp64> context;
  std::vector<double> target(labels.size() * 4);
  mixed_targets(context, how, labels, smoothing, tensor_view<double, shape<4>>{target.data(), labels.size()});
  return target;
}

}  // namespace

TEST_CASE("mixup blends every image with the one at the other end of the batch") {
  for (const std::size_t n : {1u, 2u, 5u, 6u}) {
    const auto before = batch(n), after = mixed({.lambda = .7}, before);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < images::size; ++k)
        CHECK(after[i * images::size + k] ==
              Approx(.7 * before[i * images::size + k] + .3 * before[(n - 1 - i) * images::size + k])
                  .epsilon(1e-14));
  }
}

TEST_CASE("cutmix takes a box of pixels from the other image and leaves the rest as it is") {
  const auto before = batch(5),
             after =
                 mixed({.lambda = .5, .pasted = true, .top = 1, .left = 2, .height = 4, .width = 3}, before);
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t y = 0; y < 6; ++y)
      for (std::size_t x = 0; x < 8; ++x)
        for (std::size_t c = 0; c < 3; ++c) {
          const bool inside = y >= 1 && y < 5 && x >= 2 && x < 5;
          const std::size_t at = (y * 8 + x) * 3 + c, from = inside ? 4 - i : i;
          CHECK(after[i * images::size + at] == before[from * images::size + at]);
        }
}

TEST_CASE("a lambda of 1 changes nothing, and any number of threads computes the same bits") {
  CHECK(mixed({}, batch(6)) == batch(6));
  const batch_mix blend{.lambda = .3}, paste{.lambda = .5, .pasted = true, .height = 3, .width = 8};
  for (const batch_mix& how : {blend, paste}) {
    CHECK(mixed(how, batch(7), 2) == mixed(how, batch(7)));
    CHECK(mixed(how, batch(7), 3) == mixed(how, batch(7)));
  }
}

TEST_CASE("mixed targets have timm's on and off values") {
  // timm 1.0.31: mixup_target(tensor([2, 0, 1]), 4, lam=.7, smoothing=.1).
  const auto target = targets({.lambda = .7}, {2, 0, 1}, .1);
  const double off = .1 / 4, on = 1 - .1 + off;
  const double expected[]{off, .3 * on + .7 * off, .7 * on + .3 * off, off, on, off, off, off,
                          off, .7 * on + .3 * off, .3 * on + .7 * off, off};
  for (std::size_t i = 0; i < 12; ++i) CHECK(target[i] == Approx(expected[i]).epsilon(1e-14));
  CHECK(targets({}, {3, 1}, 0) == std::vector<double>{0, 0, 0, 1, 0, 1, 0, 0});
  for (const double smoothing : {0., .1}) {
    const auto shares = targets({.lambda = .37}, {1, 2, 2, 0, 3}, smoothing);
    CHECK(std::accumulate(shares.begin(), shares.end(), 0.) == Approx(5));
  }
}

TEST_CASE("with fewer classes than targets have room for, only those classes are smoothed") {
  on<cpu, fp64> context;
  std::vector<double> target(2 * 6, 9.);
  const std::vector<int> labels{2, 0}, wrong{3, 0};
  const tensor_view<double, shape<6>> room{target.data(), 2};
  mixed_targets(context, {.lambda = .7}, labels, .3, room, 3);
  const double expected[]{.1 + .3 * .7, .1, .1 + .7 * .7, 0, 0, 0, .1 + .7 * .7, .1, .1 + .3 * .7, 0, 0, 0};
  for (std::size_t i = 0; i < 12; ++i) CHECK(target[i] == Approx(expected[i]).epsilon(1e-14));
  CHECK_THROWS_WITH_AS(mixed_targets(context, {}, wrong, 0, room, 3),
                       "mixed_targets: label 3 is none of 3 classes", std::invalid_argument);
}

TEST_CASE("cutmix clips its box to the image, and lambda is the area outside of the box") {
  const image_extent view{32, 40};
  // λ = .75 cuts half of each side: 16 x 20.
  const batch_mix centre = cutmix::around(.75, 16, 20, view);
  CHECK(centre.pasted);
  CHECK(centre.top == 8);
  CHECK(centre.left == 10);
  CHECK(centre.height == 16);
  CHECK(centre.width == 20);
  CHECK(centre.lambda == Approx(.75));
  const batch_mix corner = cutmix::around(.75, 0, 39, view);
  CHECK(corner.top == 0);
  CHECK(corner.height == 8);
  CHECK(corner.left == 29);
  CHECK(corner.width == 11);
  CHECK(corner.lambda == Approx(1 - 88. / 1280));
  // An odd side extends one pixel farther after the centre: 17 x 17 of 32 x 32 at λ = 1 - (17.5/32)².
  const batch_mix odd = cutmix::around(1 - 17.5 * 17.5 / 1024, 16, 16, {32, 32});
  CHECK(odd.top == 8);
  CHECK(odd.height == 17);
  CHECK(cutmix::around(1, 5, 5, view).lambda == 1);
  CHECK(cutmix::around(0, 16, 20, view).lambda == 0);
}

TEST_CASE("half of the batches are cutmix, λ has a Beta distribution, and both depend on the key alone") {
  const image_extent view{32, 32};
  const batch_mixing both{};
  std::size_t cut = 0;
  double lambda = 0, squares = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    const random_key key{.seed = 2, .epoch = 1, .sample = i, .view = 128};
    const batch_mix chosen = both.choose(key, view), again = both.choose(key, view);
    CHECK(chosen.lambda == again.lambda);
    cut += chosen.pasted;
    if (!chosen.pasted) lambda += chosen.lambda, squares += chosen.lambda * chosen.lambda;
    if (chosen.pasted)
      CHECK(chosen.lambda == Approx(1 - static_cast<double>(chosen.height * chosen.width) / 1024));
  }
  CHECK(static_cast<double>(cut) == Approx(2000).epsilon(.05));
  const double blended = static_cast<double>(4000 - cut), mean = lambda / blended;
  CHECK(mean == Approx(.5).epsilon(.03));
  CHECK(squares / blended - mean * mean == Approx(1 / (4 * (2 * .8 + 1))).epsilon(.08));
}

TEST_CASE("an alpha of 0 disables mixup or cutmix, and with both at 0 nothing is mixed") {
  for (std::size_t i = 0; i < 100; ++i) {
    const random_key key{.sample = i};
    CHECK_FALSE(batch_mixing{.cutmix = {0}}.choose(key, {32, 32}).pasted);
    CHECK(batch_mixing{.mixup = {0}}.choose(key, {32, 32}).pasted);
    CHECK(batch_mixing{.mixup = {0}, .cutmix = {0}}.choose(key, {32, 32}).lambda == 1);
    CHECK(batch_mixing{.probability = 0}.choose(key, {32, 32}).lambda == 1);
  }
}

TEST_CASE("labels that are no classes and hyper-parameters out of range are refused") {
  CHECK_THROWS_WITH_AS(targets({}, {1, 4}, 0), "mixed_targets: label 4 is none of 4 classes",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(targets({}, {-1}, 0), doctest::Contains("label -1"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((batch_mixing{.mixup = {-1}}.check()),
                       doctest::Contains("must be finite and not negative"), std::invalid_argument);
  CHECK_THROWS_WITH_AS((batch_mixing{.probability = 2}.check()), doctest::Contains("probability"),
                       std::invalid_argument);
}
