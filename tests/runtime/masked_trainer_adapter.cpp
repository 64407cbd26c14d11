#include "support/gradient_check.hpp"

#include <algorithm>
#include <memory>
#include <numeric>

#include <pretext/augment/presets.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/kernels/cpu/augment.hpp>
#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/runtime/masked_trainer_adapter.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<16, 24, 3>;
using method = mae<images, vit<4, 16, 1, 2>, mae_decoder<8, 1, 2>>;
using context_type = on<cpu>;
using learner = trainer<method, context_type, adamw>;

/// Six built-in pictures and a trainer that can predict them.
struct fixture {
  std::vector<image> pictures = std::vector<image>(6);
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples{4, 9, 1, 0, 7, 3};
  std::unique_ptr<any_trainer> trainer;

  explicit fixture(bool normalise_pixels) {
    const builtin_source source{{.count = 6, .side = 32}};
    for (std::size_t i = 0; i < pictures.size(); ++i) {
      source.read(i, pictures[i]);
      views.push_back(pictures[i]);
    }
    const auto evaluation = augmentation{resized{}, normalise{}};
    const auto augmented = mae_augmentation();
    using made = masked_trainer_adapter<learner, std::decay_t<decltype(augmented)>,
                                        std::decay_t<decltype(evaluation)>>;
    trainer = std::make_unique<made>(
        std::make_unique<learner>(method{.loss = {.normalise = normalise_pixels}}, adamw{}, 3), augmented,
        evaluation);
  }

  image_batch batch(std::uint32_t epoch) const {
    return {.epoch = epoch, .images = views, .samples = samples, .seed = 1};
  }
};

}  // namespace

TEST_CASE("a reconstruction has every image with its mask: three of four whole patches are masked") {
  fixture s{true};
  const auto made = s.trainer->reconstructor()->reconstruct(s.batch(0));
  std::vector<float> seen;
  s.trainer->evaluation_views(s.views, seen);
  CHECK(made.images == seen);
  CHECK(made.predicted.size() == seen.size());
  REQUIRE(made.masked.size() == 6 * 16 * 24);
  for (std::size_t n = 0; n < 6; ++n) {
    const auto first = made.masked.begin() + std::ptrdiff_t(n * 16 * 24);
    CHECK(std::count(first, first + 16 * 24, true) == method::mask::masked * 16);
  }
  for (std::size_t i = 0; i < made.masked.size(); ++i) {
    const std::size_t n = i / (16 * 24), row = i / 24 % 16, column = i % 24;
    CHECK(made.masked[i] == made.masked[(n * 16 + row / 4 * 4) * 24 + column / 4 * 4]);
  }
  CHECK(s.trainer->reconstructor()->reconstruct(s.batch(0)).masked == made.masked);
  CHECK(s.trainer->reconstructor()->reconstruct(s.batch(1)).masked != made.masked);
}

TEST_CASE("predictions of normalised patches are scaled back to the mean and deviation of the real patches") {
  fixture normalised{true}, plain{false};  // with the same weights, predictions differ only in scale
  const auto scaled = normalised.trainer->reconstructor()->reconstruct(normalised.batch(0));
  const auto raw = plain.trainer->reconstructor()->reconstruct(plain.batch(0));
  for (std::size_t n = 0; n < 6; ++n)
    for (std::size_t patch = 0; patch < method::grid::patches; ++patch) {
      std::vector<std::size_t> at;
      for (std::size_t r = 0; r < 4; ++r)
        for (std::size_t c = 0; c < 12; ++c)
          at.push_back(n * images::size + (patch / 6 * 4 + r) * 24 * 3 + patch % 6 * 12 + c);
      double mean = 0, variance = 0;
      for (const auto i : at) mean += double(raw.images[i]) / 48;
      for (const auto i : at) variance += std::pow(double(raw.images[i]) - mean, 2) / 47;
      for (const auto i : at)
        CHECK(double(scaled.predicted[i]) ==
              doctest::Approx(double(raw.predicted[i]) * std::sqrt(variance + 1e-6) + mean).epsilon(1e-4));
    }
}

TEST_CASE("a reconstruction between two steps does not change the training") {
  const auto weights_after = [](bool reconstruct) {
    fixture s{true};
    for (std::uint32_t epoch = 0; epoch < 2; ++epoch) {
      s.trainer->step(s.batch(epoch), {.learning_rate = 1e-3});
      if (reconstruct) s.trainer->reconstructor()->reconstruct(s.batch(5));
    }
    std::vector<float> after;
    s.trainer->read_values([&](const float* values) { after.assign(values, values + method::size); });
    return after;
  };
  CHECK(weights_after(true) == weights_after(false));
}
