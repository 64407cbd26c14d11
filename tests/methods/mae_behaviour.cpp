#include "support/gradient_check.hpp"

#include <cmath>
#include <numbers>
#include <numeric>

#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/methods/simmim.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
using context_type = on<cpu>;

/// Waves of random direction and phase: a masked patch follows from any visible one, and from nothing else.
std::vector<float> waves(std::size_t count, std::uint32_t epoch) {
  std::vector<float> pixels(count * images::size);
  for (std::size_t n = 0; n < count; ++n) {
    const random_key key{.seed = 5, .epoch = epoch, .sample = n};
    const double turn = 2 * std::numbers::pi * double(key.uniform(0)), phase = 6 * double(key.uniform(1));
    for (std::size_t i = 0; i < images::size; ++i) {
      const double row = double(i / 48), column = double(i % 48 / 3);
      pixels[n * images::size + i] =
          static_cast<float>(std::sin(0.35 * (row * std::sin(turn) + column * std::cos(turn)) + phase));
    }
  }
  return pixels;
}

/// The mean loss of the last ten of some steps.
template <class Method>
double loss_after(std::size_t steps) {
  constexpr std::size_t batch = 32;
  trainer<Method, context_type, adamw> learner{{}, {}, 1, cpu::stream{2}};
  std::vector<std::uint64_t> samples(batch);
  std::iota(samples.begin(), samples.end(), 0);
  double last = 0;
  for (std::size_t k = 0; k < steps; ++k) {
    const auto epoch = static_cast<std::uint32_t>(k);
    const auto pixels = waves(batch, epoch);
    const double loss = learner.step(reads<context_type, images>{pixels.data(), batch},
                                     {.learning_rate = 3e-3, .samples = samples, .epoch = epoch});
    if (k + 10 >= steps) last += loss / 10;
  }
  return last;
}

}  // namespace

TEST_CASE(
    "MAE learns to predict masked patches of waves from visible ones: it explains most of their variance") {
  // A prediction of 0 has the loss 47/48.
  CHECK(loss_after<mae<images, vit<4, 48, 3, 4>, mae_decoder<32, 2, 4>>>(400) < 0.45);
}

TEST_CASE("SimMIM learns to predict masked blocks of waves from visible ones") {
  // A prediction of 0 has the loss 2/π = 0.64.
  CHECK(loss_after<simmim<images, vit<4, 48, 3, 4>, block_masking<8, std::ratio<1, 2>>>>(300) < 0.35);
}
