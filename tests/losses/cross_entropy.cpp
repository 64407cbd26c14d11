#include <pretext/augment/batch_mix.hpp>
#include <pretext/kernels/cpu/batch_mix.hpp>
#include <pretext/kernels/cpu/cross_entropy.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/cross_entropy.hpp>

#include "losses.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

static_assert(ClassificationLoss<cross_entropy> && !PredictiveLoss<cross_entropy>);

namespace {

template <class T>
struct result {
  double value;
  std::vector<T> gradient;
};

template <std::size_t Classes, class T>
result<T> run(const cross_entropy& loss, const std::vector<T>& logits, const std::vector<T>& target,
              std::size_t threads = 1, T before = 0) {
  using Context = on<cpu, std::conditional_t<std::is_same_v<T, float>, fp32, fp64>>;
  using S = shape<Classes>;
  Context context{.stream = cpu::stream{threads}};
  result<T> made{0, std::vector<T>(logits.size(), before)};
  const std::size_t rows = logits.size() / Classes;
  made.value = loss(context, reads<Context, S>{logits.data(), rows},
                    reads<Context, S>{target.data(), target.size() / Classes},
                    writes<Context, S>{made.gradient.data(), rows});
  return made;
}

/// Probabilities of the classes, a few of them zero.
std::vector<double> random_shares(std::size_t rows, std::size_t classes, unsigned seed) {
  auto shares = random_rows(rows * classes, seed);
  for (std::size_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (std::size_t c = 0; c < classes; ++c) {
      double& t = shares[row * classes + c];
      t = c % 3 == 1 ? 0 : std::abs(t);
      sum += t;
    }
    for (std::size_t c = 0; c < classes; ++c) shares[row * classes + c] /= sum;
  }
  return shares;
}

}  // namespace

TEST_CASE("soft targets: value and gradient are torch's") {
  // torch 2.15, float64: -(t * log_softmax(x)).sum(1).mean(), timm's SoftTargetCrossEntropy.
  const auto made =
      run<3>(cross_entropy{}, std::vector{1., 2., -1., .5, -.5, 3.}, std::vector{.7, .3, 0., .1, .2, .7});
  CHECK(made.value == Approx(1.0527131605240712).epsilon(1e-14));
  all_near(made.gradient,
           {-0.2202517698287904, 0.2026922563491206, 0.017559513479669865, -0.013100647844079577,
            -0.08642548694929175, 0.0995261347933713},
           1e-14);
}

TEST_CASE("the loss of labels that mixed_targets has smoothed is timm's LabelSmoothingCrossEntropy") {
  const std::vector<double> logits{1., 2., -1., .5, -.5, 3.};
  const std::vector<int> labels{1, 2};
  on<cpu, fp64> context;
  std::vector<double> target(6);
  mixed_targets(context, batch_mix{}, labels, .1, tensor_view<double, shape<3>>{target.data(), 2});
  CHECK(run<3>(cross_entropy{}, logits, target).value == Approx(0.3943798271907377).epsilon(1e-14));
}

TEST_CASE("every gradient of cross-entropy matches finite differences, and is added") {
  auto logits = random_rows(7 * 5, 1);
  for (const bool unit : {true, false}) {
    auto target = random_shares(7, 5, 2);
    if (!unit) target = random_rows(7 * 5, 3);  // shares that add up to anything: still the derivative
    const cross_entropy loss{.weight = 1.5};
    auto made = run<5>(loss, logits, target, 2, 4.);
    for (double& slope : made.gradient) slope -= 4;
    matches_differences(logits, made.gradient, [&] { return run<5>(loss, logits, target).value; });
  }
}

TEST_CASE("logits of any size give finite losses: none overflows in fp32") {
  const float huge = 3e38f;
  const auto sure = run<3>(cross_entropy{}, std::vector{huge, 0.f, -huge}, std::vector{1.f, 0.f, 0.f});
  CHECK(sure.value == 0);
  CHECK(sure.gradient == std::vector{0.f, 0.f, 0.f});
  const auto wrong = run<3>(cross_entropy{}, std::vector{1e4f, 0.f, -1e4f}, std::vector{0.f, 0.f, 1.f});
  CHECK(wrong.value == Approx(2e4));
  CHECK(wrong.gradient == std::vector{1.f, 0.f, -1.f});
  // A constant added to a row changes nothing but rounding errors.
  const auto near = run<3>(cross_entropy{}, std::vector{1001.f, 1002.f, 999.f}, std::vector{.7f, .3f, 0.f});
  const auto plain = run<3>(cross_entropy{}, std::vector{1., 2., -1.}, std::vector{.7, .3, 0.});
  CHECK(near.value == Approx(plain.value).epsilon(1e-6));
}

TEST_CASE("equal logits have loss log C") {
  CHECK(run<10>(cross_entropy{}, std::vector<double>(40), random_shares(4, 10, 5)).value ==
        Approx(std::log(10.)).epsilon(1e-14));
}

TEST_CASE("cross-entropy has the same bits for any number of threads, and fp32 is close to fp64") {
  const auto logits = random_rows<float>(200 * 7, 1, 5);
  const auto shares = random_shares(200, 7, 2);
  const std::vector<float> target(shares.begin(), shares.end());
  const auto one = run<7>(cross_entropy{}, logits, target);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = run<7>(cross_entropy{}, logits, target, threads);
    CHECK(more.value == one.value);
    CHECK(more.gradient == one.gradient);
  }
  const auto precise = run<7>(cross_entropy{}, std::vector<double>(logits.begin(), logits.end()), shares);
  CHECK(one.value == Approx(precise.value).epsilon(1e-6));
  all_near(one.gradient, precise.gradient, 1e-7);
}

TEST_CASE("logits beyond the classes do not count") {
  const auto all = random_rows(4 * 7, 1);
  std::vector<double> few(4 * 5), target(4 * 7), short_target(4 * 5);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t c = 0; c < 5; ++c) {
      few[5 * i + c] = all[7 * i + c];
      target[7 * i + c] = short_target[5 * i + c] = c == i ? 1 : 0;
    }
  const auto made = run<7>(cross_entropy{.classes = 5}, all, target);
  const auto expected = run<5>(cross_entropy{}, few, short_target);
  CHECK(made.value == expected.value);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t c = 0; c < 7; ++c)
      CHECK(made.gradient[7 * i + c] == (c < 5 ? expected.gradient[5 * i + c] : 0));
}

TEST_CASE("class indices are one-hot targets") {
  on<cpu, fp64> context;
  const auto logits = random_rows(4 * 5, 1);
  const std::vector<int> labels{3, 0, 4, 3};
  std::vector<double> target(20), slope(20);
  for (std::size_t row = 0; row < 4; ++row) target[row * 5 + static_cast<std::size_t>(labels[row])] = 1;
  const double value =
      kernels::cross_entropy<cpu>::hard(context, 4, 5, 5, .25, logits.data(), labels.data(), slope.data());
  const auto soft = run<5>(cross_entropy{}, logits, target);
  CHECK(value == soft.value);
  CHECK(slope == soft.gradient);
}

TEST_CASE("cross-entropy refuses targets that do not fit, in a sentence") {
  CHECK_THROWS_WITH_AS(run<2>(cross_entropy{}, std::vector{1., 2., 3., 4.}, std::vector{1., 0.}),
                       "cross_entropy: 2 rows of logits but 1 of soft targets", std::invalid_argument);
  CHECK_THROWS_WITH_AS(run<2>(cross_entropy{.classes = 3}, std::vector{1., 2.}, std::vector{1., 0.}),
                       "cross_entropy: 3 classes need as many logits, not 2", std::invalid_argument);
}
