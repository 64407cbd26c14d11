#include <doctest/doctest.h>

#include <pretext/optimizers/schedule.hpp>

#include "support/reference.hpp"

using namespace pretext;
using doctest::Approx;
using pretext::tests::reference;

namespace {
void near_to(double value, double expected) { CHECK(value == Approx(expected).epsilon(1e-11)); }
}  // namespace

TEST_CASE("SimCLR's schedule on ImageNet has the published lengths and rates") {
  const std::size_t images = 1281167, batch = 4096;
  const double peak = linear_scaling(0.3, batch);
  CHECK(peak == 4.8);
  CHECK(simclr_steps(images, batch, 100) == 31279);
  CHECK(simclr_steps(images, batch, 1000) == 312785);
  CHECK(steps_of(images, batch, 100) == 31278);
  CHECK(steps_of(images, batch, 10) == 3127);
  CHECK(simclr_steps(50000, 512, 1000) == 97657);
  CHECK(steps_of(50000, 512, 10) == 976);
  const cosine_schedule rate{.peak = peak, .warmup = double(steps_of(images, batch, 10)), .length = 31279};
  CHECK(rate(0) == 0);
  CHECK(rate(1) == Approx(1.535017587743e-3).epsilon(1e-12));
  CHECK(rate(3127) == 4.8);
  CHECK(rate(17203) == Approx(2.4).epsilon(1e-12));
  CHECK(rate(31278) == Approx(1.4943849358e-8).epsilon(1e-9));
  CHECK(rate(31279) == 0);
  CHECK(rate(40000) == 0);
}

TEST_CASE("MAE's schedule in fractional epochs warms up for forty and ends at its minimum") {
  const cosine_schedule rate{.peak = linear_scaling(1.5e-4, 4096), .warmup = 40, .length = 800};
  near_to(rate(20), 1.2e-3);
  near_to(rate(40), 2.4e-3);
  near_to(rate(420), 1.2e-3);
  CHECK(rate(0) == 0);
  CHECK(rate(800) == 0);
  const cosine_schedule tune{.peak = 1e-3, .warmup = 5, .length = 100, .end = 1e-6};
  near_to(tune(2.5), 5e-4);
  near_to(tune(52.5), (1e-3 + 1e-6) / 2);
  CHECK(tune(100) == 1e-6);
}

TEST_CASE("a warm-up begins at `start` and meets the cosine at its peak") {
  for (const warm_up ramp : {warm_up::from_start, warm_up::linspace, warm_up::after_start}) {
    const cosine_schedule rate{
        .peak = 4.8, .warmup = 10, .length = 100, .end = 0.0048, .start = 0.3, .ramp = ramp};
    CHECK(rate(10) == 4.8);
    CHECK(rate(0) == Approx(ramp == warm_up::after_start ? 0.75 : 0.3));
    // SwAV's and DINO's linspace is at the peak one step early, and so is lightly's.
    CHECK(rate(9) == Approx(ramp == warm_up::from_start ? 4.35 : 4.8));
    for (double step = 10; step < 100; ++step) CHECK(rate(step + 1) < rate(step));
    CHECK(rate(100) == 0.0048);
  }
  CHECK(cosine_schedule{.peak = 1, .warmup = 1, .length = 3, .ramp = warm_up::linspace}(0) == 0);
}

TEST_CASE("a cosine may rise: DINO's weight decay") {
  const cosine_schedule decay{.peak = 0.04, .length = 1000, .end = 0.4};
  near_to(decay(0), 0.04);
  near_to(decay(500), 0.22);
  CHECK(decay(1000) == 0.4);
}

TEST_CASE("BYOL's target momentum goes from its base to exactly one") {
  const cosine_momentum_schedule momentum{.base = 0.996, .length = 1000};
  CHECK(momentum(0) == 0.996);
  CHECK(momentum(1) == Approx(0.9960000098695962).epsilon(1e-15));
  CHECK(momentum(250) == Approx(0.9965857864376269).epsilon(1e-15));
  CHECK(momentum(500) == Approx(0.998).epsilon(1e-15));
  CHECK(momentum(750) == Approx(0.9994142135623731).epsilon(1e-15));
  CHECK(momentum(1000) == 1);
}

TEST_CASE("I-JEPA's target momentum is linear") {
  const linear_schedule momentum{.from = 0.996, .to = 1, .length = 10};
  CHECK(momentum(0) == 0.996);
  near_to(momentum(5), 0.998);
  CHECK(momentum(10) == 1);
  CHECK(momentum(11) == 1);
}

TEST_CASE("the rate changes when a milestone is reached, not before") {
  const multistep_schedule rate{.start = 30, .gamma = 0.1, .milestones = {60, 80}};
  CHECK(rate(59.99) == 30);
  near_to(rate(60), 3);
  near_to(rate(79), 3);
  near_to(rate(80), 0.3);
}

TEST_CASE("a schedule by epochs is constant within an epoch") {
  const per_epoch_schedule<cosine_schedule> rate{.schedule = {.peak = 0.05, .length = 100},
                                                 .steps_per_epoch = 390};
  CHECK(rate(0) == 0.05);
  CHECK(rate(389) == 0.05);
  CHECK(rate(390) == cosine_schedule{.peak = 0.05, .length = 100}(1));
  CHECK(rate(390) < 0.05);
}

TEST_CASE("both scaling rules of SimCLR agree at a batch of 4096") {
  CHECK(linear_scaling(0.3, 4096) == Approx(square_root_scaling(0.075, 4096)));
  CHECK(linear_scaling(0.3, 512) == Approx(0.6));
  CHECK(square_root_scaling(0.075, 256) == Approx(1.2));
}

TEST_CASE("every schedule satisfies the concept, and a constant schedule is constant") {
  static_assert(Schedule<constant_schedule> && Schedule<cosine_schedule> && Schedule<linear_schedule> &&
                Schedule<multistep_schedule> && Schedule<per_epoch_schedule<multistep_schedule>> &&
                Schedule<cosine_momentum_schedule> && Schedule<linspace_schedule> &&
                Schedule<one_based_schedule<cosine_schedule>>);
  static_assert(constant_schedule{0.01}(12345) == 0.01);
}

TEST_CASE("a linspace has its ends and as many points, as numpy's") {
  const linspace_schedule three{.from = 0.04, .to = 0.07, .points = 3};
  CHECK(three(0) == 0.04);
  near_to(three(1), 0.055);
  CHECK(three(2) == Approx(0.07).epsilon(1e-15));
  CHECK(three(3) == 0.07);
  CHECK(linspace_schedule{1, 2, 1}(0) == 1);
  CHECK(linspace_schedule{1, 2, 1}(1) == 2);
  CHECK(linspace_schedule{1, 2, 0}(0) == 2);
}

TEST_CASE("schedules of the official codes, step by step") {
  // 6 epochs of 4 steps, 2 epochs of warm-up
  const auto file = reference("schedules");
  std::size_t compared = 0;
  const auto follows = [&](const std::string& name, const Schedule auto& schedule) {
    CAPTURE(name);
    const auto expected = file.at(name).as<double>();
    REQUIRE(expected.size() >= 6);
    for (std::size_t step = 0; step < expected.size(); ++step) {
      CAPTURE(step);
      CHECK(schedule(double(step)) == Approx(expected[step]).epsilon(1e-12).scale(1e-9));
    }
    ++compared;
  };
  const double steps = 24, warmup = 8;
  follows(
      "dino_rate",
      cosine_schedule{.peak = .5, .warmup = warmup, .length = steps, .end = 1e-3, .ramp = warm_up::linspace});
  follows("dino_weight_decay", cosine_schedule{.peak = .04, .length = steps, .end = .4});
  follows("dino_momentum", cosine_momentum_schedule{.base = .996, .length = steps});
  follows("dino_teacher_temperature_by_epoch", linspace_schedule{.from = .04, .to = .07, .points = 3});
  follows("dinov2_teacher_temperature", linspace_schedule{.from = .04, .to = .07, .points = 12});
  follows("ijepa_rate", one_based_schedule<cosine_schedule>{
                            {.peak = 1e-3, .warmup = warmup, .length = steps, .end = 1e-6, .start = 2e-4}});
  follows("ijepa_weight_decay",
          one_based_schedule<cosine_schedule>{{.peak = .04, .length = steps, .end = .4}});
  follows("ijepa_momentum", linear_schedule{.from = .996, .to = 1, .length = steps});
  follows("moco_v3_rate", cosine_schedule{.peak = .6, .warmup = warmup, .length = steps});
  follows("moco_v3_momentum", cosine_momentum_schedule{.base = .99, .length = steps});
  // 16 epochs of one step
  follows("barlow_rate_weights_16_epochs_of_one_step",
          cosine_schedule{.peak = .2, .warmup = 10, .length = 16, .end = .2e-3});
  follows("barlow_rate_biases_16_epochs_of_one_step",
          cosine_schedule{.peak = .0048, .warmup = 10, .length = 16, .end = .0048e-3});
  follows("vicreg_rate_16_epochs_of_one_step",
          cosine_schedule{.peak = .2, .warmup = 10, .length = 16, .end = .2e-3});
  CHECK(compared == file.tensors.size());
}

TEST_CASE("DINO's temperature changes between epochs only, DINOv2's in every step") {
  const linspace_schedule by_epoch{.from = .04, .to = .07, .points = 3};
  const per_epoch_schedule<linspace_schedule> dino{by_epoch, 4};
  CHECK(dino(3) == dino(0));
  CHECK(dino(4) == by_epoch(1));
}
