// Published settings: recipes/published.hpp with its tables, recipes/published_settings.hpp,
// recipes/published_schedules.hpp and recipes/published_views.hpp.
#include <pretext/recipes/published.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <variant>

#include <doctest/doctest.h>

#include <pretext/recipes/published_schedules.hpp>

#include "support/reference.hpp"

using namespace pretext;
using doctest::Approx;

namespace {

constexpr std::size_t imagenet_images = 1281167;

constexpr std::array<std::string_view, 21> methods{
    "moco_v2", "moco_v3", "simsiam", "fast_siam", "barlow_twins", "vicreg", "wmse",
    "tico",    "dcl",     "dclw",    "nnclr",     "ressl",        "supcon", "swav",
    "dino",    "ibot",    "dinov2",  "msn",       "ijepa",        "lejepa", "frossl"};

published_settings on_imagenet(std::string_view method, const published_choice& choice = {}) {
  const auto found = published(method, dataset::imagenet, choice);
  REQUIRE(found);
  return *found;
}

/// A length in which an epoch has that many steps.
training_length short_length(std::size_t steps_per_epoch, std::size_t epochs) {
  return {.images = 8 * steps_per_epoch + 3, .batch = 8, .epochs = epochs};
}

}  // namespace

TEST_CASE("every method has published settings, and all but W-MSE and SupCon have some on ImageNet") {
  for (const std::string_view method : methods) {
    CAPTURE(method);
    const bool small_only = method == "wmse" || method == "supcon";
    CHECK(published(method, dataset::imagenet).has_value() == !small_only);
    CHECK((published(method, dataset::imagenet) || published(method, dataset::cifar10)));
  }
  CHECK(!published("resnet", dataset::imagenet));
  CHECK(!published("dinov2", dataset::cifar10));
}

TEST_CASE(
    "no two published settings are of the same method, images, source, encoder, batch, length and queue") {
  std::set<std::tuple<std::string, int, int, std::string, std::size_t, std::size_t, std::size_t>> seen;
  std::size_t rows = 0;
  for_each_published([&](const published_settings& row) {
    ++rows;
    seen.insert({std::string{row.method}, int(row.images), int(row.source), std::string{row.encoder},
                 row.batch.value_or(0), row.epochs.value_or(0), row.queue_capacity.value_or(0)});
  });
  CHECK(seen.size() == rows);
}

TEST_CASE("published numbers are in the ranges of what takes them, and methods are those of the library") {
  const std::set<std::string_view> known{methods.begin(), methods.end()};
  for_each_published([&](const published_settings& row) {
    CAPTURE(row.method);
    CAPTURE(int(row.images));
    CHECK(known.contains(row.method));
    CHECK(!row.encoder.empty());
    REQUIRE(row.rate);
    CHECK(row.rate->rate > 0);
    if (const auto optimizer = row.make_optimizer()) CHECK_NOTHROW(optimizer->check());
    if (const auto optimizer = row.make_clipped_optimizer()) CHECK_NOTHROW(optimizer->check());
    CHECK(row.make_clipped_optimizer().has_value() == row.clip_norm.has_value());
    if (row.target_momentum_end) CHECK(row.momentum != momentum_course::constant);
    if (row.target_momentum) {
      CHECK(*row.target_momentum >= 0.9);
      CHECK(*row.target_momentum < row.target_momentum_end.value_or(1));
    }
    CHECK(row.temperature.value_or(.1) > 0);
    if (row.target_temperature_end) {
      CHECK(*row.target_temperature_end > *row.target_temperature);
      CHECK(row.target_temperature_epochs.has_value());
    }
    if (row.queue_capacity) CHECK(*row.queue_capacity >= row.batch.value_or(1));
    CHECK(row.warmup_epochs.value_or(0) < static_cast<double>(row.epochs.value_or(1000)));
    for (const published_crops& crops : {row.views.global, row.views.local}) {
      CHECK(crops.minimum_area <= crops.maximum_area);
      CHECK(crops.maximum_area <= 1);
    }
    CHECK(!(row.frozen_steps && row.frozen_epochs));
    for (const named_value& value : row.loss) CHECK((value.name.empty() || row.loss_value(value.name)));
    CHECK(!row.loss_value("no such value"));
  });
}

TEST_CASE("published rates scale with the batch where the source scales them, and stay where it does not") {
  std::size_t scaled = 0, fixed = 0;
  for_each_published([&](published_settings row) {
    CAPTURE(row.method);
    const auto rate_at = [&](std::size_t batch) {
      const training_length length{.images = 4096 * 4, .batch = batch, .epochs = 400};
      const auto schedules = schedules_of(row, length);
      double largest = 0;
      const auto steps = static_cast<double>(length.steps());
      for (double step = 0; step < steps; step += 1) {
        const double rate = schedules.learning_rate(step);
        CHECK(rate >= 0);
        largest = std::max(largest, rate);
      }
      return largest;
    };
    const double ratio = rate_at(1024) / rate_at(512);
    switch (row.rate->scaling) {
      case rate_scaling::linear:
        ++scaled;
        CHECK(ratio == Approx(2).epsilon(1e-3));
        break;
      case rate_scaling::square_root:
        ++scaled;
        CHECK(ratio == Approx(std::sqrt(2.)).epsilon(1e-3));
        break;
      case rate_scaling::constant:
        ++fixed;
        CHECK(ratio == Approx(1).epsilon(1e-3));
    }
  });
  CHECK(scaled > 30);
  CHECK(fixed > 5);
}

TEST_CASE("ImageNet: published peaks, lengths and ends") {
  const auto moco = on_imagenet("moco_v2");
  const auto length = length_of(moco, imagenet_images);
  CHECK(length.steps() == 5004 * 200);
  const auto moco_steps = schedules_of(moco, length);
  CHECK(moco_steps.learning_rate(0) == Approx(.03));
  CHECK(moco_steps.learning_rate(5003) == moco_steps.learning_rate(0));  // constant in an epoch
  CHECK(moco_steps.learning_rate(5004 * 100) == Approx(.015));
  CHECK((*moco_steps.target_momentum)(123456) == .999);
  CHECK(std::get<sgd>(*moco.optimizer) == sgd{.weight_decay = 1e-4, .decay_all = true});
  CHECK(on_imagenet("moco_v2", {.epochs = 800}).epochs == 800);

  const auto barlow = on_imagenet("barlow_twins");
  const auto barlow_steps = schedules_of(barlow, length_of(barlow, imagenet_images));
  CHECK(barlow_steps.learning_rate(6250) == Approx(1.6));  // 625 steps an epoch
  CHECK(barlow_steps.learning_rate(625000) == Approx(1.6e-3));
  CHECK(std::get<lars>(*barlow.optimizer).excluded_rate == Approx(.024));
  CHECK(std::get<lars>(*on_imagenet("vicreg").optimizer).excluded_rate == 1);

  for (const auto& [epochs, peak, decay] :
       {std::tuple{100u, 9.6, 1e-6}, {300u, 4.8, 1e-6}, {1000u, 4.8, 1.5e-6}}) {
    const auto moco_v3 = on_imagenet("moco_v3", {.encoder = "resnet50", .epochs = epochs});
    const auto steps = schedules_of(moco_v3, length_of(moco_v3, imagenet_images));
    CHECK(steps.learning_rate(3120) == Approx(peak));
    CHECK(*moco_v3.weight_decay() == decay);
  }
  const auto swav = on_imagenet("swav");
  const auto swav_steps = schedules_of(swav, length_of(swav, imagenet_images));
  CHECK(swav_steps.learning_rate(0) == .3);
  CHECK(swav_steps.learning_rate(3119) == Approx(4.8));
  CHECK(swav_steps.learning_rate(31200) == Approx(.0048));
  CHECK(swav_steps.frozen_steps == 313);
  CHECK(on_imagenet("swav", {.batch = 256}).queue_capacity == 3840);

  const auto dinov2 = on_imagenet("dinov2");
  CHECK(length_of(dinov2, imagenet_images).steps() == 125000);
  CHECK((*dinov2.rate)(2048) == Approx(.004 * std::sqrt(2.)));
  CHECK(dinov2.make_clipped_optimizer()->by == clip_by::module);
  CHECK((*on_imagenet("dino").rate)(1024) == Approx(2e-3));
  CHECK(std::get<sgd>(*on_imagenet("dino", {.encoder = "resnet50"}).optimizer).weight_decay == 1e-4);
  CHECK(*on_imagenet("lejepa", {.encoder = "resnet"}).weight_decay() == 5e-4);
}

TEST_CASE("CIFAR-10 and Imagenette: lightly's settings come first, solo-learn's on request") {
  const auto lightly = *published("moco_v2", dataset::cifar10);
  CHECK(lightly.source == recipe_source::lightly);
  CHECK((*lightly.rate)(512) == Approx(.24));
  CHECK(lightly.queue_capacity == 4096);
  CHECK(published("moco_v2", dataset::cifar10, {.batch = 512})->queue_capacity == 8192);
  const auto solo = *published("moco_v2", dataset::cifar10, {.source = recipe_source::solo_learn});
  CHECK(solo.queue_capacity == 32768);
  const auto steps = schedules_of(solo, length_of(solo, 50000));
  CHECK(steps.learning_rate(0) == 3e-5);
  CHECK(steps.learning_rate(1949) == Approx(.3));  // 195 steps an epoch
  CHECK((*steps.target_momentum)(195000) == .999);
  CHECK(published("vicreg", dataset::cifar10)->source == recipe_source::solo_learn);
  const auto solo_lars = std::get<lars>(*published("vicreg", dataset::cifar10)->optimizer);
  CHECK(solo_lars == lars{.weight_decay = 1e-4,
                          .trust_coefficient = .02,
                          .variant = lars_variant::sum_of_norms,
                          .clip = true});
  const auto vicreg = *published("vicreg", dataset::imagenette, {.epochs = 800});
  CHECK(vicreg.warmup_epochs == 40);
  const auto vicreg_steps = schedules_of(vicreg, length_of(vicreg, 9469));
  CHECK(vicreg_steps.learning_rate(0) == Approx(.3 / 40));
  CHECK(vicreg_steps.learning_rate(35) == Approx(.3 / 40));  // 36 steps an epoch
  CHECK(vicreg_steps.learning_rate(36) == Approx(.6 / 40));
}

TEST_CASE("torch's Adam is recorded, but is no optimizer of the library") {
  const auto swav = *published("swav", dataset::cifar10);
  CHECK(std::get<published_adam>(*swav.optimizer).weight_decay == 1e-6);
  CHECK(!swav.make_optimizer());
  CHECK(!published("msn", dataset::imagenette)->make_optimizer());
}

TEST_CASE("a length or a rate that was not published is asked for") {
  CHECK_THROWS_AS((void)length_of(on_imagenet("fast_siam"), 1000), std::invalid_argument);
  CHECK_THROWS_AS((void)schedules_of(published_settings{.method = "mine"}, short_length(4, 6)),
                  std::invalid_argument);
  CHECK_THROWS_AS((void)schedules_of(on_imagenet("dino"), {.images = 7, .batch = 8, .epochs = 1}),
                  std::invalid_argument);
}

TEST_CASE("published settings have the schedules of the official codes, step by step") {
  // 6 epochs of 4 steps with 2 epochs of warm-up; the numbers of that case, the forms of the settings.
  const auto file = tests::reference("schedules");
  const auto follows = [&](const std::string& name, const auto& schedule, double steps_between = 1) {
    CAPTURE(name);
    const auto expected = file.at(name).as<double>();
    for (std::size_t step = 0; step < expected.size(); ++step) {
      CAPTURE(step);
      CHECK(schedule(steps_between * static_cast<double>(step)) ==
            Approx(expected[step]).epsilon(1e-12).scale(1e-9));
    }
  };
  const auto length = short_length(4, 6);
  const auto at_peak = [](published_settings settings, double peak, double warmup = 2) {
    settings.rate = rate_rule{.rate = peak, .scaling = rate_scaling::constant};
    settings.warmup_epochs = warmup;
    return settings;
  };

  auto dino = at_peak(on_imagenet("dino", {.epochs = 300}), .5);
  dino.end_rate = 1e-3;
  dino.target_temperature_epochs = 3;
  const auto dino_steps = schedules_of(dino, length);
  follows("dino_rate", dino_steps.learning_rate);
  follows("dino_weight_decay", *dino_steps.weight_decay);
  follows("dino_momentum", *dino_steps.target_momentum);
  follows("dino_teacher_temperature_by_epoch", *dino_steps.target_temperature, 4);
  CHECK((*dino_steps.target_temperature)(7) == (*dino_steps.target_temperature)(4));

  auto dinov2 = on_imagenet("dinov2");
  dinov2.target_temperature_epochs = 3;
  follows("dinov2_teacher_temperature", *schedules_of(dinov2, length).target_temperature);

  const auto ijepa = schedules_of(at_peak(on_imagenet("ijepa"), 1e-3), length);
  follows("ijepa_rate", ijepa.learning_rate);
  follows("ijepa_weight_decay", *ijepa.weight_decay);
  follows("ijepa_momentum", *ijepa.target_momentum);

  const auto moco = schedules_of(at_peak(on_imagenet("moco_v3"), .6), length);
  follows("moco_v3_rate", moco.learning_rate);
  follows("moco_v3_momentum", *moco.target_momentum);

  const auto one_step_epochs = short_length(1, 16);
  follows("barlow_rate_weights_16_epochs_of_one_step",
          schedules_of(at_peak(on_imagenet("barlow_twins"), .2, 10), one_step_epochs).learning_rate);
  follows("vicreg_rate_16_epochs_of_one_step",
          schedules_of(at_peak(on_imagenet("vicreg"), .2, 10), one_step_epochs).learning_rate);
}
