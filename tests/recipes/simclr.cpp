#include <doctest/doctest.h>

#include <pretext/recipes/simclr.hpp>

using namespace pretext;

TEST_CASE("SimCLR's presets have the published lengths, learning rates and temperatures") {
  constexpr std::size_t imagenet = 1281167;
  constexpr auto longest = simclr_1000_epochs();
  CHECK(longest.steps(imagenet) == 312785);
  CHECK(longest.learning_rate(imagenet)(0) == 0);
  CHECK(longest.learning_rate(imagenet)(3127) == doctest::Approx(4.8));
  CHECK(longest.learning_rate(imagenet)(312785) == 0);
  CHECK(longest.loss().temperature == 0.1);
  CHECK(longest.optimizer() == lars{.weight_decay = 1e-6, .variant = lars_variant::simclr});
  CHECK(simclr_100_epochs().steps(imagenet) == 31279);
  CHECK(simclr_100_epochs().learning_rate(imagenet)(1) == doctest::Approx(1.535017587743e-3).epsilon(1e-12));
  CHECK(simclr_cifar10().steps(50000) == 97657);
  CHECK(simclr_cifar10().learning_rate(50000).warmup == 976);
  CHECK(simclr_cifar10().learning_rate(50000).peak == 2);
  CHECK(simclr_cifar10().loss().temperature == 0.5);
  CHECK(simclr_cifar10().optimizer().weight_decay == 1e-6);
}
