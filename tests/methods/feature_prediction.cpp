// Tests of feature_prediction.hpp and ijepa.hpp with heads/ijepa_predictor.hpp.
#include "support/allocations.hpp"
#include "support/gradient_check.hpp"

#include <numeric>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/parallel_for.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/ijepa.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<16, 12, 3>;
using small = ijepa<images, vit<4, 16, 2, 2, ijepa_pretraining>, ijepa_predictor<8, 2, 2>>;

/// The weights of encoder, predictor and target after three steps.
std::vector<float> three_steps(std::size_t threads, double momentum = 0.9) {
  trainer<small, on<cpu>, adamw> learner{{}, {}, 3, cpu::stream{threads}};
  const auto numbers = tests::normal_numbers(5 * images::size, 3);
  const std::vector<float> pixels{numbers.begin(), numbers.end()};
  const std::vector<std::uint64_t> samples{11, 3, 5, 8, 2};
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch)
    learner.step(
        {pixels.data(), 5},
        {.learning_rate = 1e-3, .target_momentum = momentum, .samples = samples, .seed = 7, .epoch = epoch});
  const auto& m = learner.memory();
  std::vector<float> all{m.value.data(), m.value.data() + small::size};
  all.insert(all.end(), m.target_values.data(), m.target_values.data() + small::target_size);
  return all;
}

}  // namespace

TEST_CASE("every gradient of I-JEPA matches finite differences") {
  const auto found = check_method<small>({}, {.batch = 3, .weights = 5, .seed = 3});
  CHECK_MESSAGE(found.error < 1e-5, found.text());
  CHECK(found.compared > 50);
}

TEST_CASE("steps of I-JEPA have the same bits for any number of threads") {
  CHECK(three_steps(1) == three_steps(3));
}

TEST_CASE("the target is a moving average of the encoder alone, and momentum 0 makes them equal") {
  static_assert(small::target_size == small::encoder_size && small::encoder_size < small::size);
  const auto equal = three_steps(2, 0), apart = three_steps(2);
  const auto target = [](const std::vector<float>& all) { return all.begin() + std::ptrdiff_t(small::size); };
  CHECK(std::equal(target(equal), equal.end(), equal.begin()));
  CHECK_FALSE(std::equal(target(apart), apart.end(), apart.begin()));
}

TEST_CASE("a step of I-JEPA without samples is refused, and the message says what to pass") {
  trainer<small, on<cpu>, adamw> learner;
  const std::vector<float> pixels(2 * images::size);
  CHECK_THROWS_WITH_AS(learner.step({pixels.data(), 2}, training_step{.learning_rate = 1e-3}),
                       doctest::Contains("multi_block_masking draws a mask for every sample"),
                       std::invalid_argument);
}
