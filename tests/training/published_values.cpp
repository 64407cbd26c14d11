#include <pretext/training/published_values.hpp>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <string_view>

#include <doctest/doctest.h>

#include <pretext/losses/info_nce.hpp>
#include <pretext/losses/self_distillation.hpp>
#include <pretext/recipes/published.hpp>

using namespace pretext;

namespace {

constexpr training_length length{.images = 83, .batch = 8, .epochs = 40};  // 10 steps an epoch

published_schedules schedules(std::string_view method, const published_choice& choice = {}) {
  const auto found = published(method, dataset::imagenet, choice);
  REQUIRE(found);
  return schedules_of(*found, length);
}

}  // namespace

TEST_CASE("a step's values of any published settings are values that a trainer accepts") {
  constexpr std::array<std::string_view, 1> scheduled{"teacher_temperature"};
  for_each_published([&](const published_settings& settings) {
    CAPTURE(settings.method);
    const auto steps = schedules_of(settings, length);
    for (std::size_t step = 0; step < length.steps() + 2; ++step) {
      const step_values values = values_at(steps, step, scheduled);
      CHECK(values.learning_rate >= 0);
      CHECK(values.learning_rate < 20);
      CHECK(values.weight_decay.value_or(0) >= 0);
      CHECK(values.weight_decay.value_or(0) <= 0.4);
      CHECK(values.target_momentum.value_or(1) > 0.9);
      CHECK(values.target_momentum.value_or(1) <= 1);
      CHECK(values.target_momentum.has_value() == settings.target_momentum.has_value());
      CHECK(values.loss.value_or(0, 0.05) >= 0.04);
      CHECK(values.loss.value_or(0, 0.05) <= 0.07);
    }
  });
}

TEST_CASE("DINO's last layer is frozen in the first epoch, SwAV's prototypes for the published steps") {
  const auto dino = schedules("dino");
  CHECK(values_at(dino, 9).groups[0].frozen);
  CHECK(!values_at(dino, 10).groups[0].frozen);
  CHECK(!values_at(dino, 9).groups[0].learning_rate);
  const auto swav = schedules("swav");
  CHECK(values_at(swav, 312).groups[0].frozen);
  CHECK(!values_at(swav, 313).groups[0].frozen);
  const auto solo =
      schedules_of(*published("swav", dataset::cifar10, {.source = recipe_source::solo_learn}), length);
  CHECK(values_at(solo, 19).groups[0].frozen);
  CHECK(!values_at(solo, 20).groups[0].frozen);
}

TEST_CASE("DINOv2's last layer has the rate 0 in the first epoch and is not frozen") {
  const auto dinov2 = schedules("dinov2");
  const auto first = values_at<self_distillation>(dinov2, 9),
             later = values_at<self_distillation>(dinov2, 10);
  CHECK(first.groups[0].learning_rate == 0);
  CHECK(!first.groups[0].frozen);
  CHECK(!later.groups[0].learning_rate);
}

TEST_CASE("SimSiam's predictor has the peak rate in every step, while the rest follows the cosine") {
  const auto simsiam = schedules("simsiam");
  const double peak = 0.05 * 8 / 256;
  for (const std::size_t step : {0u, 200u, 399u})
    CHECK(values_at(simsiam, step).groups[0].learning_rate == doctest::Approx(peak));
  CHECK(values_at(simsiam, 200).learning_rate == doctest::Approx(peak / 2));
  CHECK(!values_at(schedules("moco_v2"), 0).groups[0].learning_rate);
}

TEST_CASE(
    "the teacher's temperature goes to the loss that schedules it, and is missed by one that does not") {
  const auto dino = schedules("dino", {.epochs = 300});
  CHECK(values_at<self_distillation>(dino, 0).loss.of[0] == 0.04);
  CHECK(values_at<self_distillation>(dino, 399).loss.of[0] == 0.07);
  CHECK_THROWS_AS((void)values_at<info_nce>(dino, 0), std::invalid_argument);
  // Both parts of iBOT's loss, and nothing else.
  constexpr std::array<std::string_view, 3> names{"teacher_temperature", "weight",
                                                  "teacher_patch_temperature"};
  const auto ibot = values_at(schedules("ibot"), 399, names);
  CHECK(ibot.loss.of[0] == 0.07);
  CHECK(ibot.loss.of[1] == -1);
  CHECK(ibot.loss.of[2] == 0.07);
  // DINO's shortest training has one temperature, which its loss has as a constant.
  CHECK(values_at(schedules("dino"), 0).loss == loss_values{});
}
