#include <pretext/evaluation/linear_probe.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

/// Full-batch training in double, written out: weights (classes, width + 1), bias last.
std::vector<double> by_hand(const features& train, std::size_t classes, std::size_t epochs, double rate) {
  const std::size_t row = train.width + 1;
  std::vector<double> w(classes * row), v(w.size());
  for (std::size_t step = 0; step < epochs; ++step) {
    std::vector<double> g(w.size());
    for (std::size_t i = 0; i < train.count; ++i) {
      std::vector<double> p(classes);
      double total = 0;
      for (std::size_t k = 0; k < classes; ++k) {
        double logit = w[k * row + train.width];
        for (std::size_t c = 0; c < train.width; ++c) logit += w[k * row + c] * double(train.row(i)[c]);
        total += p[k] = std::exp(logit);
      }
      for (std::size_t k = 0; k < classes; ++k) {
        const double slope = (p[k] / total - (int(k) == train.labels[i])) / double(train.count);
        for (std::size_t c = 0; c < train.width; ++c) g[k * row + c] += slope * double(train.row(i)[c]);
        g[k * row + train.width] += slope;
      }
    }
    const double now = rate * (1 + std::cos(3.14159265358979323846 * double(step) / double(epochs))) / 2;
    for (std::size_t j = 0; j < w.size(); ++j) {
      v[j] = 0.9 * v[j] + g[j];
      w[j] -= now * (g[j] + 0.9 * v[j]);
    }
  }
  return w;
}

}  // namespace

TEST_CASE(
    "the probe is SGD with Nesterov momentum and a cosine from 0.1·B/256 on softmax regression from zeros") {
  const features train = blobs(64, 5, 3, 1, 1);
  const auto found = linear_probe{.epochs = 30, .batch = 64}(train, train);
  const auto expected = by_hand(train, 3, 30, 0.1 * 64 / 256);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t c = 0; c < 5; ++c)
      CHECK(found.weight[k * 5 + c] == Approx(expected[k * 6 + c]).epsilon(1e-4));
    CHECK(found.bias[k] == Approx(expected[k * 6 + 5]).epsilon(1e-4).scale(0.1));
  }
}

TEST_CASE("separated classes are found, and noise is not") {
  const auto found =
      linear_probe{.epochs = 20, .batch = 64}(blobs(1000, 16, 10, 0.3, 2), blobs(500, 16, 10, 0.3, 3));
  CHECK(found.accuracy == 1);
  CHECK(found.top5 == 1);
  CHECK(found.loss < 0.1);
  const auto lost = linear_probe{.epochs = 5}(blobs(1000, 16, 10, 100, 4), blobs(1000, 16, 10, 100, 5));
  CHECK(lost.accuracy == Approx(0.1).epsilon(0.5));
  CHECK(lost.top5 == Approx(0.5).epsilon(0.2));
}

TEST_CASE(
    "features without information leave uniform probabilities: loss log C, the first class, its share") {
  features nothing = blobs(100, 4, 5, 1, 6);
  std::ranges::fill(nothing.values, 0.0f);
  const auto found = linear_probe{.epochs = 3, .batch = 100}(nothing, nothing);
  CHECK(found.loss == Approx(std::log(5.0)).epsilon(1e-6));
  CHECK(found.top5 == 1);
  CHECK(found.predicted.size() == 100);
  CHECK(found.accuracy == 0.2);
}

TEST_CASE("the probe gives the same bits for any number of threads, and depends on its seed") {
  const features train = blobs(777, 33, 7, 1, 7), test = blobs(100, 33, 7, 1, 8);
  const linear_probe probe{.epochs = 3, .batch = 100};
  const auto one = probe(train, test);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = probe(train, test, cpu::stream{threads});
    CHECK(more.weight == one.weight);
    CHECK(more.bias == one.bias);
    CHECK(more.predicted == one.predicted);
    CHECK(more.loss == one.loss);
  }
  CHECK(linear_probe{.epochs = 3, .batch = 100, .seed = 2}(train, test).weight != one.weight);
}

TEST_CASE("with standardised features neither shift nor scale matters; without, they do") {
  const features train = blobs(300, 6, 4, 1, 9), test = blobs(100, 6, 4, 1, 10);
  const auto moved = [](features some) {
    for (std::size_t i = 0; i < some.values.size(); ++i)
      some.values[i] = some.values[i] * float(1 + i % 6 * 4) + 16 * float(i % 6);
    return some;
  };
  const linear_probe probe{.epochs = 10, .batch = 100, .standardise = true};
  const auto a = probe(train, test), b = probe(moved(train), moved(test));
  CHECK(a.loss == Approx(b.loss).epsilon(1e-3));
  for (std::size_t i = 0; i < a.weight.size(); ++i)
    CHECK(a.weight[i] == Approx(b.weight[i]).epsilon(1e-2).scale(0.1));
  const linear_probe plain{.epochs = 10, .batch = 100};
  CHECK(plain(train, test).loss != Approx(plain(moved(train), moved(test)).loss).epsilon(1e-2));
}

TEST_CASE("weight decay shrinks the weights") {
  const features train = blobs(200, 8, 4, 1, 11);
  const auto size = [&](double decay) {
    double squares = 0;
    for (const float w : linear_probe{.epochs = 20, .batch = 50, .weight_decay = decay}(train, train).weight)
      squares += double(w) * double(w);
    return squares;
  };
  CHECK(size(0.5) < 0.5 * size(0));
}

TEST_CASE("the order of an epoch is a permutation that seed and epoch decide") {
  auto order = detail::keyed_order(1000, 1, 0);
  CHECK(order == detail::keyed_order(1000, 1, 0));
  CHECK(order != detail::keyed_order(1000, 1, 1));
  CHECK(order != detail::keyed_order(1000, 2, 0));
  std::size_t fixed = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) fixed += order[i] == i;
  CHECK(fixed < 10);
  std::ranges::sort(order);
  for (std::uint32_t i = 0; i < 1000; ++i) CHECK(order[i] == i);
}

TEST_CASE("the probe refuses features that it cannot compare, and numbers that are none") {
  const features train = blobs(10, 3, 2, 1, 12);
  CHECK_THROWS_WITH_AS(linear_probe{}(train, blobs(10, 4, 2, 1, 13)),
                       "linear probe: training features have 3 numbers and test features 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((linear_probe{.epochs = 0}(train, train)),
                       "linear probe: epochs and batch must be positive", std::invalid_argument);
  features broken = train;
  broken.values[5] = INFINITY;
  CHECK_THROWS_WITH_AS(linear_probe{}(train, broken), "linear probe: a feature is not a finite number",
                       std::invalid_argument);
}
