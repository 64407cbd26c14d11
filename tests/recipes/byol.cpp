#include <doctest/doctest.h>

#include <pretext/recipes/byol.hpp>

using namespace pretext;

TEST_CASE("BYOL's presets have the published lengths, rates and momenta") {
  constexpr std::size_t imagenet = 1281167;
  constexpr auto longest = byol_1000_epochs();
  CHECK(longest.steps(imagenet) == 312784);
  CHECK(longest.learning_rate(imagenet).peak == doctest::Approx(3.2));
  CHECK(longest.learning_rate(imagenet)(0) == 0);
  CHECK(longest.learning_rate(imagenet)(3127) == doctest::Approx(3.2));
  CHECK(longest.target_momentum(imagenet)(0) == doctest::Approx(0.996).epsilon(1e-12));
  CHECK(longest.target_momentum(imagenet)(312784) == 1);
  CHECK(longest.optimizer().variant == lars_variant::byol);
  CHECK(longest.optimizer().weight_decay == 1.5e-6);
  CHECK(byol_300_epochs().learning_rate(imagenet).peak == doctest::Approx(4.8));
  CHECK(byol_100_epochs().base_momentum == 0.99);
  CHECK(byol_40_epochs().base_momentum == 0.97);
  CHECK(byol_40_epochs().learning_rate(imagenet).peak == doctest::Approx(7.2));
  CHECK(byol_batch_512().learning_rate(imagenet).peak == doctest::Approx(0.8));
  CHECK(byol_imagenette().learning_rate(9469).peak == 2);
}
