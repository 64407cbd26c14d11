#include <pretext/evaluation/linear_probe.hpp>

#include "evaluation.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

/// The same training in double with full batches: weights (classes, width + 1), bias last.
std::vector<double> by_hand(const feature_table& train, std::size_t classes, std::size_t epochs,
                            double rate) {
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
  const feature_table train = blobs(64, 5, 3, 1, 1);
  const auto found = linear_probe{.epochs = 30, .batch = 64}(train, train);
  const auto expected = by_hand(train, 3, 30, 0.1 * 64 / 256);
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t c = 0; c < 5; ++c)
      CHECK(found.classifier.weight[k * 5 + c] == Approx(expected[k * 6 + c]).epsilon(1e-4));
    CHECK(found.classifier.bias[k] == Approx(expected[k * 6 + 5]).epsilon(1e-4).scale(0.1));
  }
}

TEST_CASE("the probe separates classes, and does not classify noise") {
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
  feature_table nothing = blobs(100, 4, 5, 1, 6);
  std::ranges::fill(nothing.values, 0.0f);
  const auto found = linear_probe{.epochs = 3, .batch = 100}(nothing, nothing);
  CHECK(found.loss == Approx(std::log(5.0)).epsilon(1e-6));
  CHECK(found.top5 == 1);
  CHECK(found.predicted.size() == 100);
  CHECK(found.accuracy == 0.2);
}

TEST_CASE("the probe gives the same bits for any number of threads, and depends on its seed") {
  const feature_table train = blobs(777, 33, 7, 1, 7), test = blobs(100, 33, 7, 1, 8);
  const linear_probe probe{.epochs = 3, .batch = 100};
  const auto one = probe(train, test);
  for (const std::size_t threads : {2u, 3u}) {
    const auto more = probe(train, test, cpu::stream{threads});
    CHECK(more.classifier.weight == one.classifier.weight);
    CHECK(more.classifier.bias == one.classifier.bias);
    CHECK(more.predicted == one.predicted);
    CHECK(more.loss == one.loss);
  }
  CHECK(linear_probe{.epochs = 3, .batch = 100, .seed = 2}(train, test).classifier.weight !=
        one.classifier.weight);
}

TEST_CASE("shift and scale of the features matter only without standardisation") {
  const feature_table train = blobs(300, 6, 4, 1, 9), test = blobs(100, 6, 4, 1, 10);
  const auto moved = [](feature_table some) {
    for (std::size_t i = 0; i < some.values.size(); ++i)
      some.values[i] = some.values[i] * float(1 + i % 6 * 4) + 16 * float(i % 6);
    return some;
  };
  const linear_probe probe{.epochs = 10, .batch = 100, .scaling = probe_scaling::standardised};
  const auto a = probe(train, test), b = probe(moved(train), moved(test));
  CHECK(a.loss == Approx(b.loss).epsilon(1e-3));
  for (std::size_t i = 0; i < a.classifier.weight.size(); ++i)
    CHECK(a.classifier.weight[i] == Approx(b.classifier.weight[i]).epsilon(1e-2).scale(0.1));
  const linear_probe plain{.epochs = 10, .batch = 100};
  CHECK(plain(train, test).loss != Approx(plain(moved(train), moved(test)).loss).epsilon(1e-2));
}

TEST_CASE("weight decay shrinks the weights") {
  const feature_table train = blobs(200, 8, 4, 1, 11);
  const auto size = [&](double decay) {
    double squares = 0;
    for (const float w :
         linear_probe{.epochs = 20, .batch = 50, .weight_decay = decay}(train, train).classifier.weight)
      squares += double(w) * double(w);
    return squares;
  };
  CHECK(size(0.5) < 0.5 * size(0));
}

namespace {

/// MAE's probe in double: batch norm, LARS from the probe's initial weights, full batches.
std::vector<double> mae_by_hand(const feature_table& train, std::vector<double> w, std::size_t classes,
                                std::size_t epochs, double peak, std::vector<double>& mean,
                                std::vector<double>& variance) {
  const std::size_t width = train.width, n = train.count;
  const double rows = static_cast<double>(n);
  std::vector<double> x(n * width), v((width + 1) * classes);
  mean.assign(width, 0);
  variance.assign(width, 1);
  std::vector<double> centre(width), spread(width);
  for (std::size_t c = 0; c < width; ++c) {
    for (std::size_t i = 0; i < n; ++i) centre[c] += double(train.row(i)[c]) / rows;
    for (std::size_t i = 0; i < n; ++i) spread[c] += std::pow(double(train.row(i)[c]) - centre[c], 2) / rows;
    for (std::size_t i = 0; i < n; ++i)
      x[i * width + c] = (double(train.row(i)[c]) - centre[c]) / std::sqrt(spread[c] + 1e-6);
  }
  for (std::size_t step = 0; step < epochs; ++step) {
    for (std::size_t c = 0; c < width; ++c) {
      mean[c] += .1 * (centre[c] - mean[c]);
      variance[c] += .1 * (spread[c] * rows / (rows - 1) - variance[c]);
    }
    std::vector<double> g(w.size());
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> p(classes);
      double total = 0;
      for (std::size_t k = 0; k < classes; ++k) {
        double logit = w[classes * width + k];
        for (std::size_t c = 0; c < width; ++c) logit += w[k * width + c] * x[i * width + c];
        total += p[k] = std::exp(logit);
      }
      for (std::size_t k = 0; k < classes; ++k) {
        const double slope = (p[k] / total - (int(k) == train.labels[i])) / rows;
        for (std::size_t c = 0; c < width; ++c) g[k * width + c] += slope * x[i * width + c];
        g[classes * width + k] += slope;
      }
    }
    const double e = double(step), all = double(epochs);
    const double rate =
        e < 10 ? peak * e / 10 : peak * (1 + std::cos(3.14159265358979323846 * (e - 10) / (all - 10))) / 2;
    double of_w = 0, of_g = 0;
    for (std::size_t i = 0; i < classes * width; ++i) of_w += w[i] * w[i], of_g += g[i] * g[i];
    for (std::size_t i = 0; i < w.size(); ++i) {
      v[i] = .9 * v[i] + (i < classes * width ? .001 * std::sqrt(of_w / of_g) : 1) * g[i];
      w[i] -= rate * v[i];
    }
  }
  return w;
}

}  // namespace

TEST_CASE("MAE's probe is batch norm, LARS, ten epochs of warm-up and a cosine schedule, from N(0, 0.01)") {
  const feature_table train = blobs(64, 5, 3, 1, 21);
  linear_probe probe = mae_probe(25, 64);
  probe.rate = 4;  // 1 for this batch
  // One epoch with learning rate 0 returns the initial weights.
  linear_probe none = mae_probe(1, 64);
  none.rate = 0;
  const auto start = none(train, train);
  std::vector<double> w(start.classifier.weight.begin(), start.classifier.weight.end());
  double squares = 0;
  for (const double each : w) squares += each * each;
  CHECK(std::sqrt(squares / 15) == Approx(.01).epsilon(.5));
  w.insert(w.end(), start.classifier.bias.begin(), start.classifier.bias.end());
  std::vector<double> mean, variance;
  const auto expected = mae_by_hand(train, w, 3, 25, 1, mean, variance);
  const auto found = probe(train, train);
  for (std::size_t i = 0; i < 15; ++i)
    CHECK(found.classifier.weight[i] == Approx(expected[i]).epsilon(1e-3).scale(.01));
  for (std::size_t k = 0; k < 3; ++k)
    CHECK(found.classifier.bias[k] == Approx(expected[15 + k]).epsilon(1e-3).scale(.01));
  // Test features are scaled by torch's running statistics: unbiased, momentum 0.1.
  const feature_table test = blobs(200, 5, 3, 2, 22);
  const auto answers = probe(train, test);
  for (std::size_t i = 0; i < test.count; ++i) {
    double best = -1e300, second = -1e300;
    int label = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      double logit = expected[15 + k];
      for (std::size_t c = 0; c < 5; ++c)
        logit += expected[k * 5 + c] * (double(test.row(i)[c]) - mean[c]) / std::sqrt(variance[c] + 1e-6);
      if (logit > best)
        second = best, best = logit, label = int(k);
      else
        second = std::max(second, logit);
    }
    if (best - second > 1e-3) CHECK(answers.predicted[i] == label);
  }
}

TEST_CASE("MAE's probe separates classes at any scale, and uses full batches only") {
  feature_table train = blobs(1000, 16, 10, 0.3, 2), test = blobs(500, 16, 10, 0.3, 3);
  for (feature_table* some : {&train, &test})
    for (std::size_t i = 0; i < some->values.size(); ++i) some->values[i] = .05f * some->values[i] + 1;
  linear_probe probe = mae_probe(60, 300);
  probe.rate = 5;  // higher than the paper's, because there are few steps
  const auto found = probe(train, test);
  CHECK(found.accuracy > .99);
  const auto again = probe(train, test, cpu::stream{3});
  CHECK(found.classifier.weight == again.classifier.weight);
  CHECK(found.predicted == again.predicted);
}

TEST_CASE("the probe refuses features of different widths, and NaN") {
  const feature_table train = blobs(10, 3, 2, 1, 12);
  CHECK_THROWS_WITH_AS(linear_probe{}(train, blobs(10, 4, 2, 1, 13)),
                       "linear probe: training features have width 3, and test features have 4",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS((linear_probe{.epochs = 0}(train, train)),
                       "linear probe: epochs and batch must be positive", std::invalid_argument);
  feature_table broken = train;
  broken.values[5] = INFINITY;
  CHECK_THROWS_WITH_AS(linear_probe{}(train, broken), "linear probe: a feature is NaN or infinite",
                       std::invalid_argument);
}

TEST_CASE("a trained probe classifies features without labels as it did with them, with its scaling") {
  feature_table train = blobs(300, 6, 4, 1, 31), test = blobs(90, 6, 4, 1, 32);
  for (feature_table* some : {&train, &test})
    for (std::size_t i = 0; i < some->values.size(); ++i)
      some->values[i] = some->values[i] * float(1 + i % 6 * 4) + 16 * float(i % 6);
  for (const auto scaling : {probe_scaling::none, probe_scaling::standardised, probe_scaling::unit_length,
                             probe_scaling::batch_norm}) {
    const linear_probe probe{.epochs = 10, .batch = 100, .rate = .01, .scaling = scaling};
    const auto with_labels = probe(train, test);
    const auto trained = probe.train(train);
    CHECK(trained.classifier == with_labels.classifier);
    CHECK(trained.loss == with_labels.loss);
    CHECK(trained.classifier.classify(test) == with_labels.predicted);
    CHECK(trained.classifier.probabilities(test) == with_labels.probabilities);
  }
  CHECK(linear_probe{.epochs = 1}.train(train, {}, 9).classifier.classes() == 9);
}

TEST_CASE("with few labels one factor for all dimensions does better than one for each") {
  // Two dimensions tell the classes apart, thirty are noise of little variance.
  const auto noisy = [](std::size_t count, unsigned seed) {
    feature_table made = blobs(count, 32, 3, 0, seed);
    std::mt19937 random{seed};
    std::normal_distribution<float> draw;
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t c = 0; c < 32; ++c)
        made.values[i * 32 + c] = c < 2 ? made.values[i * 32 + c] * 3 + draw(random) : 1 + .3f * draw(random);
    return made;
  };
  const feature_table train = noisy(18, 41), test = noisy(600, 42);
  linear_probe probe{.epochs = 200, .batch = 18, .rate = 1, .scaling = probe_scaling::unit_length};
  const double one_factor = probe(train, test).accuracy;
  probe.scaling = probe_scaling::standardised;
  CHECK(one_factor > probe(train, test).accuracy + .05);
}
