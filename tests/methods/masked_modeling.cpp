// Tests of masked_modeling.hpp with its parts: encoders/masked/, heads/decoder.hpp and
// heads/linear_decoder.hpp.
#include "support/allocations.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <numeric>

#include <pretext/encoders/vit.hpp>
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

using images = shape<12, 8, 3>;
using small_mae = mae<images, vit<4, 16, 2, 2>, mae_decoder<8, 2, 2>, random_masking<std::ratio<1, 2>>>;
using small_simmim = simmim<images, vit<2, 16, 2, 2, simmim_pretraining>, block_masking<4>>;

/// A trainer with the images and indices of its samples.
template <class Method, class Numerics = fp64>
struct learning {
  using context_type = on<cpu, Numerics>;
  using T = typename context_type::activation;
  using image_type = typename Method::images;
  static constexpr std::size_t batch = 5;

  trainer<Method, context_type, adamw> learner;
  std::vector<std::uint64_t> samples{11, 3, 5, 8, 2};
  std::vector<T> pixels;

  explicit learning(std::size_t threads = 2) : learner{{}, {}, 3, cpu::stream{threads}} {
    const auto numbers = tests::normal_numbers(batch * image_type::size, 3);
    pixels.assign(numbers.begin(), numbers.end());
  }
  reads<context_type, image_type> views() const { return {pixels.data(), batch}; }
  double step(std::uint32_t epoch = 0, double rate = 0) {
    return learner.step(views(), {.learning_rate = rate, .samples = samples, .seed = 7, .epoch = epoch});
  }
  step_context keyed() { return {.keys = learner.keys_of(samples, 7, 0)}; }
  /// The loss with the masks of the first epoch.
  double value() { return learner.method().learn(learner.context(), learner.memory(), views(), keyed()); }
  std::vector<T> weights() {
    const T* w = learner.memory().value.data();
    return {w, w + Method::size};
  }
};

template <class Method>
void every_gradient_matches() {
  learning<Method> l;
  auto& m = l.learner.memory();
  // The official initial values hide mistakes: biases 0, norms 1, tokens 0.02.
  const auto noise = tests::normal_numbers(Method::size, 5, 0, 0.2);
  for (const parameter& p : Method::parameters)
    for (std::size_t i = p.offset; p.role == parameter_role::trainable && i < p.offset + p.size(); ++i)
      m.value.data()[i] += noise[i];
  CHECK(l.step() > 0);
  const std::vector<double> gradient(m.gradient.data(), m.gradient.data() + Method::size);
  for (const parameter& p : Method::parameters) {
    CAPTURE(p.path);
    if (p.role != parameter_role::trainable) {
      CHECK(
          std::all_of(&gradient[p.offset], &gradient[p.offset] + p.size(), [](double g) { return g == 0; }));
      continue;
    }
    double largest = 0;
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 11) {
      double& w = m.value.data()[i];
      const double saved = w, h = 1e-5;
      w = saved + h;
      const double up = l.value();
      w = saved - h;
      const double down = l.value();
      w = saved;
      CHECK(gradient[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6).scale(1e-2));
      largest = std::max(largest, std::abs(gradient[i]));
    }
    CHECK(largest > 1e-7);
  }
}

template <class Method>
void same_bits_on_any_number_of_threads() {
  const auto after = [](std::size_t threads) {
    learning<Method, fp32> l{threads};
    for (std::uint32_t epoch = 0; epoch < 3; ++epoch) l.step(epoch, 1e-3);
    return l.weights();
  };
  const auto one = after(1);
  CHECK(one == after(2));
  CHECK(one == after(3));
}

}  // namespace

TEST_CASE("every gradient of MAE matches finite differences: encoder, class and mask token, decoder, loss") {
  every_gradient_matches<small_mae>();
}

TEST_CASE("every gradient of SimMIM matches finite differences") { every_gradient_matches<small_simmim>(); }

TEST_CASE("MAE's loss and gradients ignore the visible pixels of the target") {
  // The encoder and the target read the same image, so the loss is called alone, with another image.
  learning<small_mae> l;
  l.step();
  auto& m = l.learner.memory();
  auto target = l.pixels;
  const auto loss_against = [&](const std::vector<double>& image) {
    std::vector<double> gradient(m.predicted.size());
    using context_type = on<cpu, fp64>;
    return masked_pixels{}(l.learner.context(), reads<context_type, small_mae::prediction>{m.predicted},
                           reads<context_type, images>{image.data(), 5}, m.masked,
                           writes<context_type, small_mae::prediction>{gradient.data(), 5});
  };
  const double before = loss_against(target);
  const auto shift = [&](bool masked) {
    for (std::size_t i = 0; i < target.size(); ++i) {
      const std::size_t n = i / images::size, row = i % images::size / 24, column = i % 24 / 3;
      const std::size_t patch = row / 4 * 2 + column / 4;
      if ((m.masked.restore[n * 6 + patch] >= small_mae::mask::visible) == masked) target[i] += double(i % 7);
    }
  };
  shift(false);
  CHECK(loss_against(target) == before);
  shift(true);
  CHECK(loss_against(target) != before);
}

TEST_CASE("MAE's predictions depend on visible pixels alone") {
  learning<small_mae> l;
  const auto predicted = [&] {
    l.step();
    const auto p = l.learner.memory().predicted;
    return std::vector<double>(p.data, p.data + p.size());
  };
  const auto before = predicted();
  const auto& masked = l.learner.memory().masked;
  const auto change = [&](std::uint32_t context) {  // a patch of the first image
    for (std::size_t r = 0; r < 4; ++r)
      for (std::size_t c = 0; c < 12; ++c) l.pixels[(context / 2 * 4 + r) * 24 + context % 2 * 12 + c] += 1;
  };
  change(masked.order[small_mae::mask::visible]);
  CHECK(predicted() == before);
  change(masked.order[0]);
  CHECK(predicted() != before);
}

TEST_CASE("training with masks gives the same bits with 1, 2 and 3 threads") {
  same_bits_on_any_number_of_threads<small_mae>();
  same_bits_on_any_number_of_threads<small_simmim>();
}

TEST_CASE("a step of MAE allocates nothing after the first two") {
  learning<small_mae, fp32> l;
  l.step();
  l.step(1);
  const std::size_t before = tests::allocations;
  l.step(2, 1e-3);
  l.step(3, 1e-3);
  CHECK(tests::allocations == before);
}

TEST_CASE("masks depend on the step's samples and epoch; a step without samples is refused") {
  learning<small_mae> l;
  const auto order = [&](std::uint32_t epoch) {
    l.step(epoch);
    const auto* first = l.learner.memory().masked.order;
    return std::vector<std::uint32_t>(first, first + 5 * small_mae::grid::patches);
  };
  const auto masks = order(0);
  CHECK(order(1) != masks);
  CHECK(order(0) == masks);
  CHECK_THROWS_WITH_AS(l.learner.step(l.views(), {}), doctest::Contains("pass .samples"),
                       std::invalid_argument);
}

TEST_CASE("reconstructions of masked patches are the predictions that the loss compared") {
  learning<small_mae> l;
  l.step();
  const auto predicted = l.learner.memory().predicted;
  const std::vector<double> seen(predicted.data, predicted.data + predicted.size());
  using all = small_mae::reconstruction;
  std::vector<double> patches(5 * all::size);
  l.learner.method().reconstruct(l.learner.context(), l.learner.memory(), l.views(), l.keyed(),
                                 {patches.data(), 5});
  const auto& masks = l.learner.memory().masked;
  for (std::size_t n = 0; n < 5; ++n)
    for (std::size_t i = 0; i < small_mae::mask::masked; ++i)
      for (std::size_t j = 0; j < small_mae::grid::patch_dim; ++j) {
        const auto context = masks.order[n * 6 + small_mae::mask::visible + i];
        CHECK(patches[(n * 6 + context) * small_mae::grid::patch_dim + j] ==
              doctest::Approx(seen[(n * small_mae::mask::masked + i) * small_mae::grid::patch_dim + j])
                  .epsilon(1e-12));
      }
}

TEST_CASE("the embedding is the mean of the encoder's tokens") {
  learning<small_mae> l;
  l.step();
  static_assert(std::same_as<small_mae::embedding, shape<16>>);
  CHECK(l.learner.memory().z.batch == 5);
  // Tokens are outputs of a norm with initial weights 1 and 0: they have mean 0, and so do their means.
  for (std::size_t n = 0; n < 5; ++n) {
    const auto* z = l.learner.memory().z.data + n * 16;
    CHECK(std::accumulate(z, z + 16, 0.0) == doctest::Approx(0).scale(1));
    CHECK(std::any_of(z, z + 16, [](double number) { return std::abs(number) > 0.1; }));
  }
}
