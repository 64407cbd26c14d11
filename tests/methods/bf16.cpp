#include "support/allocations.hpp"
#include "support/gradient_check.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <pretext/encoders/resnet.hpp>
#include <pretext/kernels/cpu/masked_pixels.hpp>
#include <pretext/kernels/cpu/masking.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/kernels/cpu/shuffled_tokens.hpp>
#include <pretext/methods/mae.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
constexpr std::size_t batch = 32;

/// Thin, but with 64 channels at the end: it uses implicit GEMM, patches of the image and Winograd's
/// algorithm.
using contrastive = simclr<images, resnet18<stem::cifar, 8>>;
using masked = mae<images, vit<4, 48, 3, 4>, mae_decoder<32, 2, 4>>;

template <class Method>
struct recipe;
template <>
struct recipe<contrastive> {
  using optimizer = sgd;
  static constexpr double rate = 0.05;
  static contrastive method() { return {.loss = {.temperature = 0.5f}}; }
};
template <>
struct recipe<masked> {
  using optimizer = adamw;
  static constexpr double rate = 1e-3;
  static masked method() { return {}; }
};

/// Waves that differ in direction and phase, each twice: noise distinguishes the views. (For similar images
/// or pure noise the contrastive gradient is a difference of almost equal values in any precision.)
std::vector<float> views() {
  const auto noise = tests::normal_numbers(batch * images::size, 3);
  std::vector<float> pixels(noise.begin(), noise.end());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const std::size_t image = i / images::size % (batch / 2), row = i % images::size / 48,
                      column = i % 48 / 3;
    const double turn = double(image), x = double(row) * std::sin(turn) + double(column) * std::cos(turn);
    pixels[i] = 0.3f * pixels[i] + static_cast<float>(std::sin(0.6 * x + double(i % 3) + 3 * turn));
  }
  return pixels;
}

template <class Method, class Numerics>
struct learning {
  using Context = on<cpu, Numerics>;
  trainer<Method, Context, typename recipe<Method>::optimizer> learner;
  std::vector<std::uint64_t> samples = std::vector<std::uint64_t>(batch);
  std::vector<float> pixels = views();

  explicit learning(std::size_t threads = 2)
      : learner{recipe<Method>::method(), {}, 1, cpu::stream{threads}} {
    std::iota(samples.begin(), samples.end(), 0);
  }

  double step(std::uint32_t epoch) {
    return learner.step(reads<Context, images>{pixels.data(), batch},
                        {.learning_rate = recipe<Method>::rate, .samples = samples, .epoch = epoch});
  }
  std::vector<float> gradient() {
    const float* data = learner.memory().gradient.data();
    return {data, data + Method::size};
  }
  std::vector<float> weights() {
    const float* data = learner.memory().value.data();
    return {data, data + Method::size};
  }
};

template <class Method, class Numerics>
std::vector<float> weights_after_three_steps(std::size_t threads) {
  learning<Method, Numerics> l{threads};
  for (std::uint32_t k = 0; k < 3; ++k) l.step(k);
  return l.weights();
}

double cosine_schedule(const float* a, const float* b, std::size_t count) {
  double product = 0, of_a = 0, of_b = 0;
  for (std::size_t i = 0; i < count; ++i) {
    product += double(a[i]) * double(b[i]);
    of_a += double(a[i]) * double(a[i]);
    of_b += double(b[i]) * double(b[i]);
  }
  return product / std::sqrt(of_a * of_b);
}

}  // namespace

TEST_CASE_TEMPLATE("ten steps in bf16 have the losses of fp32, to a hundredth, and not to the last bit",
                   Method, contrastive, masked) {
  learning<Method, fp32> exact;
  learning<Method, bf16> rounded;
  double first = 0, last = 0;
  bool same = true;
  for (std::uint32_t k = 0; k < 10; ++k) {
    last = exact.step(k);
    if (k == 0) first = last;
    const double loss = rounded.step(k);
    CAPTURE(k);
    CAPTURE(last);
    CHECK(std::abs(loss - last) < 1e-2 * last);
    same = same && loss == last;
  }
  CHECK(last < first);
  CHECK(!same);
}

TEST_CASE_TEMPLATE("a gradient in bf16 has the direction of that in fp32, as a whole and tensor by tensor",
                   Method, contrastive, masked) {
  learning<Method, fp32> exact;
  learning<Method, bf16> rounded;
  exact.step(0);
  rounded.step(0);
  const auto expected = exact.gradient(), found = rounded.gradient();
  CHECK(cosine_schedule(found.data(), expected.data(), found.size()) > 0.99);
  for (const parameter& p : Method::parameters) {
    if (p.role != parameter_role::trainable) continue;
    const auto none = [](float x) { return std::abs(x) < 1e-6f; };  // a bias before batch norm
    if (std::all_of(&expected[p.offset], &expected[p.offset] + p.size(), none)) continue;
    CAPTURE(p.path);
    CHECK(cosine_schedule(&found[p.offset], &expected[p.offset], p.size()) >
          0.97);  // a dozen numbers in some
  }
}

TEST_CASE_TEMPLATE("training in bf16 gives the same bits with 1, 2 and 3 threads", Method, contrastive,
                   masked) {
  const auto one = weights_after_three_steps<Method, bf16>(1);
  CHECK(one == weights_after_three_steps<Method, bf16>(2));
  CHECK(one == weights_after_three_steps<Method, bf16>(3));
}

TEST_CASE_TEMPLATE("a step in bf16 allocates nothing after the first two", Method, contrastive, masked) {
  learning<Method, bf16> l;
  l.step(0);
  l.step(1);
  const std::size_t before = tests::allocations;
  l.step(2);
  l.step(3);
  CHECK(tests::allocations == before);
}
