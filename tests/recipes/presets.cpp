// Presets, with the headers recipes/presets_by_name.hpp, recipes/rate_rule.hpp,
// recipes/pretraining_preset.hpp and recipes/view_preset.hpp.
#include <pretext/recipes/presets_by_name.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/augment/presets.hpp>
#include <pretext/core/context.hpp>
#include <pretext/kernels/cpu/augment.hpp>

#include "augment/rendering.hpp"

using namespace pretext;

namespace {

/// All views of an image of 40 x 40 pixels.
template <class Images, class Views>
std::vector<float> views_of(const Views& views, std::uint64_t sample = 5) {
  on<cpu> context{};
  tensor<float, Images, cpu> batch;
  const auto out = batch.resize(Views::views);
  const image picture = pretext_tests::random_bytes(40, 40, channels_of<Images>, 1);
  augment(context, views, std::span{&picture, 1}, std::span{&sample, 1}, 3, 0, out);
  return {out.data, out.data + out.size()};
}

}  // namespace

TEST_CASE(
    "a rate rule scales with the batch, with its root or not at all, and never exceeds its largest rate") {
  CHECK(rate_rule{.rate = 0.2, .batch = 64}(256) == doctest::Approx(0.8));
  CHECK(rate_rule{.rate = 2, .batch = 100, .scaling = rate_scaling::square_root}(400) == doctest::Approx(4));
  CHECK(rate_rule{.rate = 0.1, .scaling = rate_scaling::constant}(7) == 0.1);
  CHECK(rate_rule{.rate = 0.2, .batch = 64, .largest = 0.5}(1024) == 0.5);
}

TEST_CASE("the papers' presets have the papers' rates at their batch, and the published momentum of BYOL") {
  const auto simclr = simclr_for(image_kind::photographs), byol = byol_for(image_kind::photographs),
             mae = mae_for(image_kind::photographs);
  CHECK(simclr.learning_rate(simclr.optimizer, 4096) == doctest::Approx(4.8));
  CHECK(simclr.learning_rate(simclr.optimizer, 256) == doctest::Approx(0.075 * 16));  // 0.075·√batch
  CHECK(simclr.make_lars() == lars{.weight_decay = 1e-6, .variant = lars_variant::simclr});
  CHECK(simclr.loss().temperature == 0.1);
  CHECK(byol.learning_rate(byol.optimizer, 4096) == doctest::Approx(7.2));
  CHECK(mae.learning_rate(mae.optimizer, 4096) == doctest::Approx(2.4e-3));
  CHECK(mae.make_adamw().weight_decay == 0.05);
  CHECK(mae.warmup_epochs(800) == 40);
  // byol:configs/byol.py, 40 to 1000 epochs of ImageNet with 4096 images a step.
  const struct {
    std::size_t epochs;
    double momentum;
  } published[]{{40, 0.97}, {100, 0.99}, {300, 0.99}, {1000, 0.996}};
  for (const auto& [epochs, momentum] : published)
    CHECK(byol.target_momentum(1281167 * epochs / 4096) == doctest::Approx(momentum).epsilon(0.012));
}

TEST_CASE("the rates of BYOL and MAE for small images stop growing at 64 images a step") {
  const auto byol = byol_for(image_kind::small_images), mae = mae_for(image_kind::small_images);
  CHECK(byol.learning_rate(preset_optimizer::sgd, 16) == doctest::Approx(0.05));
  CHECK(byol.learning_rate(preset_optimizer::sgd, 64) == doctest::Approx(0.2));
  CHECK(byol.learning_rate(preset_optimizer::sgd, 1024) == 0.2);
  CHECK(mae.learning_rate(preset_optimizer::adamw, 16) == doctest::Approx(1e-3));
  CHECK(mae.learning_rate(preset_optimizer::adamw, 64) == doctest::Approx(2e-3));
  CHECK(mae.learning_rate(preset_optimizer::adamw, 1024) == 2e-3);
}

TEST_CASE(
    "SimMIM has the rate and crops of its official code, alignment and uniformity those of its code for "
    "STL-10") {
  const auto simmim = simmim_for(image_kind::photographs),
             hypersphere = hypersphere_for(image_kind::photographs);
  CHECK(simmim.learning_rate(preset_optimizer::adamw, 2048) == doctest::Approx(4e-4));
  CHECK(simmim.make_adamw().weight_decay == 0.05);
  CHECK(simmim.warmup_epochs(800) == 10);
  CHECK(simmim.views.minimum_area == 0.67f);
  CHECK(simmim.clip_norm == 5);
  CHECK(simmim.clip == clip_by::whole);
  const auto small_simmim = simmim_for(image_kind::small_images);
  CHECK(small_simmim.learning_rate(preset_optimizer::adamw, 16) == doctest::Approx(5e-4));
  CHECK(small_simmim.learning_rate(preset_optimizer::adamw, 256) == 1e-3);
  CHECK(hypersphere.learning_rate(preset_optimizer::sgd, 768) == doctest::Approx(0.36));
  CHECK(hypersphere.make_sgd().weight_decay == 1e-4);
  CHECK(hypersphere.warmup_epochs(200) == 0);
  CHECK(hypersphere.views.minimum_area == 0.08f);
  for (const auto& small :
       {hypersphere_for(image_kind::small_images), distillation_for(image_kind::small_images),
        distillation_for(image_kind::photographs)}) {
    CHECK(small.learning_rate(preset_optimizer::sgd, 32) == doctest::Approx(0.2));
    CHECK(small.learning_rate(preset_optimizer::sgd, 256) == 0.4);
  }
  CHECK(distillation_for(image_kind::photographs).views.minimum_area == 0.08f);
}

TEST_CASE("a preset's schedule follows from images, batch and epochs") {
  const auto preset = simclr_for(image_kind::small_images);
  const training_length length{.images = 6000, .batch = 64, .epochs = 4};
  CHECK(length.steps() == 372);
  const auto rate = preset.schedule(length);
  CHECK(rate.length == 372);
  CHECK(rate.warmup == 28);  // 0.3 epochs
  CHECK(rate(27) == doctest::Approx(preset.learning_rate(preset_optimizer::sgd, 64)));
  CHECK(rate(372) == 0);
  CHECK(preset.momentum_schedule(length)(372) == 1);
  CHECK(preset.target_momentum(1) == 0.5);
}

TEST_CASE("a method named at run time has presets, and an unknown one has none") {
  for (const image_kind kind : {image_kind::photographs, image_kind::small_images, image_kind::inspection}) {
    CHECK(preset_for("simclr", kind) == simclr_for(kind));
    CHECK(preset_for("byol", kind) == byol_for(kind));
    CHECK(preset_for("mae", kind) == mae_for(kind));
    CHECK(!preset_for("simsam", kind));
  }
}

TEST_CASE(
    "every method has a preset for every kind of images, with which a training of any length can begin") {
  for (const std::string_view method : preset_methods)
    for (const image_kind kind :
         {image_kind::photographs, image_kind::small_images, image_kind::inspection}) {
      CAPTURE(method);
      const auto preset = preset_for(method, kind);
      REQUIRE(preset);
      const training_length length{.images = 6000, .batch = preset->batch, .epochs = 4};
      const auto rate = preset->schedule(length);
      CHECK(rate.peak > 0);
      CHECK(rate.peak < 10);
      CHECK(rate.warmup < rate.length);
      CHECK(rate(0) > 0);
      const auto momentum = preset->momentum_schedule(length);
      CHECK(momentum(0) >= 0.5);
      CHECK(momentum(0) < 1);
      CHECK(momentum(1e6) == (preset->constant_momentum ? momentum(0) : 1));
      CHECK(preset->temperature > 0);
      CHECK(preset->target_temperature > 0);
      CHECK(preset->queue_capacity % preset->batch == 0);
      CHECK(preset->views.minimum_area > 0);
      CHECK(preset->views.any_orientation == (kind == image_kind::inspection));
      for (const auto which : {preset_optimizer::sgd, preset_optimizer::lars, preset_optimizer::adamw}) {
        CHECK(preset->learning_rate(which, 256) >= preset->learning_rate(which, 64));
        CHECK(preset->with(which).weight_decay > 0);
      }
    }
}

TEST_CASE("presets of published methods have the published optimizer, rate, momentum and temperature") {
  const auto moco = *preset_for("moco_v2", image_kind::photographs);
  CHECK(moco.optimizer == preset_optimizer::sgd);
  CHECK(moco.learning_rate(moco.optimizer, 256) == 0.03);
  CHECK(moco.target_momentum(100) == 0.999);
  CHECK(moco.momentum_schedule({.images = 256, .batch = 128, .epochs = 9})(18) == 0.999);
  CHECK(moco.queue_capacity == 65536);
  const auto dino = *preset_for("dino", image_kind::photographs);
  CHECK(dino.clip_norm == 3);
  CHECK(dino.clip == clip_by::tensor);
  CHECK(preset_for("dinov2", image_kind::photographs)->clip == clip_by::module);
  CHECK(!moco.clip_norm);
  CHECK(!preset_for("dino", image_kind::small_images)->clip_norm);
  CHECK(dino.optimizer == preset_optimizer::adamw);
  CHECK(dino.learning_rate(dino.optimizer, 1024) == doctest::Approx(2e-3));
  CHECK(dino.temperature == 0.1);
  CHECK(dino.with_adamw.weight_decay == 0.04);
  CHECK(dino.weight_decay_growth == doctest::Approx(10));  // to 0.4
  CHECK(preset_for("dino", image_kind::small_images)->weight_decay_growth == 1);
  // lightly's settings of CIFAR-10: SGD with 0.06 for 128 images, which SimSiam has for any batch.
  const auto small = *preset_for("dcl", image_kind::small_images);
  CHECK(small.learning_rate(small.optimizer, 512) == doctest::Approx(0.24));
  CHECK(small.make_sgd().weight_decay == 5e-4);
  CHECK(small.warmup_epochs(100) == 0);
  // I-JEPA keeps the published momentum in short trainings, too.
  CHECK(preset_for("ijepa", image_kind::small_images)->target_momentum(100) == 0.996);
  // The momentum of the others follows the number of steps, as BYOL's.
  const auto small_tico = *preset_for("tico", image_kind::small_images);
  CHECK(small_tico.target_momentum(1) == 0.5);
  CHECK(small_tico.target_momentum(200 * 390) == doctest::Approx(0.99).epsilon(0.005));
  for (const char* method : {"moco_v2", "ressl", "dino"})
    CHECK(preset_for(method, image_kind::small_images)->target_momentum(100) == 0.99);
  CHECK(preset_for("swav", image_kind::small_images)->queue_capacity == 0);
}

TEST_CASE("small images have the measured optimizer of each method, with a warm-up and a largest rate") {
  const auto rate_of = [](const char* method, std::size_t batch) {
    const auto preset = *preset_for(method, image_kind::small_images);
    CHECK(preset.optimizer == preset_optimizer::sgd);
    CHECK(preset.warmup_epochs(100) == 10);
    return preset.learning_rate(preset.optimizer, batch);
  };
  for (const char* method : {"simsiam", "fast_siam", "nnclr", "tico", "wmse", "moco_v3", "ressl", "supcon"}) {
    CAPTURE(method);
    CHECK(rate_of(method, 32) == doctest::Approx(0.1));
    CHECK(rate_of(method, 64) == doctest::Approx(0.2));
    CHECK(rate_of(method, 1024) == 0.4);
  }
  const auto vicreg = *preset_for("vicreg", image_kind::small_images);
  CHECK(vicreg.optimizer == preset_optimizer::lars);
  CHECK(vicreg.learning_rate(vicreg.optimizer, 100) == doctest::Approx(2));
  const auto lejepa = *preset_for("lejepa", image_kind::small_images);
  const auto swav = *preset_for("swav", image_kind::small_images);
  CHECK(swav.optimizer == preset_optimizer::adamw);
  CHECK(swav.learning_rate(preset_optimizer::adamw, 64) == doctest::Approx(2e-3));
  CHECK(swav.learning_rate(preset_optimizer::adamw, 256) == doctest::Approx(2e-3));
  CHECK(swav.warmup_epochs(100) == 10);
  CHECK(swav.epsilon == 0.03);
  const auto frossl = *preset_for("frossl", image_kind::small_images);
  CHECK(frossl.learning_rate(preset_optimizer::sgd, 64) == doctest::Approx(0.2));
  CHECK(frossl.invariance(64) == 0.25);
  CHECK(frossl.invariance(512) == 1);
  CHECK(preset_for("swav", image_kind::photographs)->epsilon == 0.05);
  const auto dino = *preset_for("dino", image_kind::small_images);
  CHECK(dino.learning_rate(preset_optimizer::adamw, 64) == doctest::Approx(1e-3));
  CHECK(dino.optimizer == preset_optimizer::adamw);
  CHECK(lejepa.learning_rate(preset_optimizer::adamw, 64) == doctest::Approx(4e-3));
  CHECK(rate_of("barlow_twins", 64) == doctest::Approx(0.003));
  CHECK(rate_of("barlow_twins", 512) == 0.006);
  // Photographs keep what was published.
  const auto simsiam = *preset_for("simsiam", image_kind::photographs);
  CHECK(simsiam.learning_rate(simsiam.optimizer, 512) == doctest::Approx(0.1));
}

TEST_CASE("self-distillation of vision transformers has a small rate and a faster target for small images") {
  for (const char* method : {"ibot", "dinov2", "msn"}) {
    const auto small = *preset_for(method, image_kind::small_images);
    CHECK(small.learning_rate(small.optimizer, 32) == doctest::Approx(5e-4));
    CHECK(small.learning_rate(small.optimizer, 128) == 5e-4);
    CHECK(small.target_momentum(100) == 0.99);
    CHECK(preset_for(method, image_kind::photographs)->target_momentum(100) >= 0.992);
  }
}

TEST_CASE("views that are not flipped are the crop alone; half of the others differ from it") {
  using color = shape<32, 32, 3>;
  const view_preset flipped{.minimum_area = .5f}, fixed{.minimum_area = .5f, .flip = false};
  const augmentation crop{random_resized_crop<torchvision_crop_box>{
      .area = {.5f, 1}, .method = interpolation::bicubic_antialias}};
  std::size_t differ = 0;
  for (std::uint64_t sample = 0; sample < 40; ++sample) {
    const auto alone = views_of<color>(crop, sample);
    CHECK(views_of<color>(make_mae_view<color>(fixed), sample) == alone);
    differ += views_of<color>(make_mae_view<color>(flipped), sample) != alone;
  }
  CHECK(differ > 10);
  CHECK(differ < 30);
}

TEST_CASE(
    "gray and colour views of a preset differ as it says, and upright ones do not depend on orientation") {
  using color = shape<32, 32, 3>;
  using gray = shape<32, 32, 1>;
  view_preset views{.minimum_area = 1, .jitter = 0};
  const auto upright = views_of<color>(make_mae_view<color>(views));
  CHECK(upright.size() == color::size);
  views.any_orientation = true;
  CHECK(views_of<color>(make_mae_view<color>(views)) != upright);
  CHECK(views_of<gray>(make_simclr_views<gray>(views)).size() == 2 * gray::size);
  CHECK(views_of<gray>(make_byol_views<gray>(views)).size() == 2 * gray::size);
  // The pipeline that the programs had before there were presets.
  const augmentation earlier{
      random_resized_crop<torchvision_crop_box>{.area = {.2f, 1}, .method = interpolation::bilinear},
      horizontal_flip{},
      torchvision_jitter{.brightness = .4f, .contrast = .4f, .saturation = .4f, .hue = .1f},
      grayscale{},
      gaussian_blur{.probability = 0},
      basic_normalise<3>{{.5f, .5f, .5f}, {.2f, .2f, .2f}}};
  CHECK(views_of<color>(make_simclr_views<color>({}, basic_normalise<3>{{.5f, .5f, .5f}, {.2f, .2f, .2f}})) ==
        views_of<color>(two_views{earlier}));
}

TEST_CASE("small crops show parts of an image up to the smallest that large ones show") {
  using color = shape<32, 32, 3>;
  const view_preset large{.minimum_area = .4f, .jitter = 0, .color = 0, .flip = false},
      small = local_crops_beside(large, .1f);
  CHECK(small ==
        view_preset{.minimum_area = .1f, .maximum_area = .4f, .jitter = 0, .color = 0, .flip = false});
  const augmentation crop{random_resized_crop<torchvision_crop_box>{
      .area = {.1f, .4f}, .method = interpolation::bicubic_antialias}};
  for (std::uint64_t sample = 0; sample < 10; ++sample)
    CHECK(views_of<color>(make_mae_view<color>(small), sample) == views_of<color>(crop, sample));
}

TEST_CASE("DINO's small crops are BYOL's first view but for the blur, which half of them have") {
  using large_enough = shape<40, 40, 3>;  // to be blurred
  const view_preset views{};
  view_preset sharp = views;
  sharp.blur = 0;
  std::size_t blurred = 0;
  for (std::uint64_t sample = 0; sample < 60; ++sample) {
    const auto local = views_of<large_enough>(make_dino_local_view<large_enough>(views), sample);
    const bool is_sharp = local == views_of<large_enough>(make_byol_views<large_enough>(sharp).first, sample);
    blurred += !is_sharp;
    CHECK((is_sharp || local == views_of<large_enough>(make_byol_views<large_enough>(views).first, sample)));
  }
  CHECK(blurred > 15);
  CHECK(blurred < 45);
}
