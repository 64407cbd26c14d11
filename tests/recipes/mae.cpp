#include <doctest/doctest.h>

#include <pretext/recipes/mae.hpp>

using namespace pretext;

TEST_CASE("MAE's presets have the published lengths and learning rates") {
  constexpr std::size_t imagenet = 1281167;  // 312 whole batches of 4096
  constexpr auto shorter = mae_800_epochs();
  CHECK(shorter.steps(imagenet) == 312 * 800);
  const auto rate = shorter.learning_rate(imagenet);
  CHECK(rate(0) == 0);
  CHECK(rate(312 * 20) == doctest::Approx(1.2e-3));
  CHECK(rate(312 * 40) == doctest::Approx(2.4e-3));
  CHECK(rate(312 * 420) == doctest::Approx(1.2e-3));
  CHECK(rate(312 * 800) == 0);
  CHECK(shorter.optimizer() == adamw{.beta1 = 0.9, .beta2 = 0.95, .weight_decay = 0.05});
  CHECK(mae_1600_epochs().steps(imagenet) == 312 * 1600);
}
