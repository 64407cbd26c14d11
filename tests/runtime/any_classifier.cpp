#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/runtime/any_classifier.hpp>

using namespace pretext;
using doctest::Approx;

namespace {

using images = shape<16, 16, 3>;
using method = classification<images, encoder<resnet18<stem::cifar, 4>>, classifier<linear_classifier<4>>>;
using learner = trainer<method, on<cpu>, layer_decay<adamw>>;

std::unique_ptr<any_classifier> made(target_options targets = {}, std::size_t threads = 1) {
  const augmentation views{horizontal_flip{}, random_erasing{}};
  return std::make_unique<classifier_adapter<learner, std::decay_t<decltype(views)>, augmentation<>>>(
      std::make_unique<learner>(method{}, layer_decay<adamw>{{.beta2 = .999}, .75}, 3, cpu::stream{threads}),
      views, augmentation<>{}, targets);
}

struct data {
  std::vector<image> pictures;
  std::vector<image_view> views;
  std::vector<std::uint64_t> samples;
  std::vector<int> labels;

  explicit data(std::size_t count) : pictures(count) {
    const builtin_source source{{.count = count, .side = 16, .seed = 7}};
    for (std::size_t i = 0; i < count; ++i) {
      source.read(i, pictures[i]);
      views.push_back(pictures[i]);
      samples.push_back(i);
      labels.push_back(source.label(i) % 4);
    }
  }
};

std::vector<double> losses(any_classifier& classifier, const data& some, std::size_t steps) {
  std::vector<double> made;
  for (std::size_t k = 0; k < steps; ++k)
    made.push_back(classifier.step(
        {.epoch = static_cast<std::uint32_t>(k), .images = some.views, .samples = some.samples, .seed = 1},
        {.learning_rate = 5e-3}));
  return made;
}

}  // namespace

TEST_CASE("a classifier learns the labels of its samples and classifies images") {
  const data some(48);
  const auto classifier = made();
  classifier->set_labels(some.labels);
  CHECK(classifier->classes() == 4);
  const auto loss = losses(*classifier, some, 150);
  CHECK(loss.front() == Approx(std::log(4.)).epsilon(1e-5));
  CHECK(loss.back() < .6 * loss.front());
  std::vector<float> logits;
  classifier->predict(some.views, logits);
  REQUIRE(logits.size() == 48 * 4);
  std::size_t right = 0;
  for (std::size_t i = 0; i < 48; ++i) {
    const float* own = logits.data() + 4 * i;
    right += std::max_element(own, own + 4) - own == some.labels[i];
  }
  CHECK(right > 30);
}

TEST_CASE("a mixed step depends only on seed, epoch and samples, not on the number of threads") {
  const data some(24);
  const target_options targets{.mixing = {}, .smoothing = .1};
  const auto one = made(targets), two = made(targets, 3), plain = made({.smoothing = .1});
  for (const auto& each : {one.get(), two.get(), plain.get()}) each->set_labels(some.labels);
  const auto found = losses(*one, some, 4);
  CHECK(found == losses(*two, some, 4));
  CHECK(found != losses(*plain, some, 4));
}

TEST_CASE("a classifier with more outputs than classes learns and classifies like one with as many") {
  const data some(24);
  using wide = classification<images, encoder<resnet18<stem::cifar, 4>>, classifier<linear_classifier<9>>>;
  using wide_learner = trainer<wide, on<cpu>, layer_decay<adamw>>;
  const augmentation views{horizontal_flip{}, random_erasing{}};
  const target_options targets{.mixing = {}, .smoothing = .1};
  classifier_adapter<wide_learner, std::decay_t<decltype(views)>, augmentation<>> large{
      std::make_unique<wide_learner>(wide{.loss = {.classes = 4}}, layer_decay<adamw>{{.beta2 = .999}, .75},
                                     3),
      views, augmentation<>{}, targets};
  const auto exact = made({.mixing = {}, .smoothing = .1});
  large.set_labels(some.labels);
  exact->set_labels(some.labels);
  CHECK(large.classes() == 4);
  const auto a = losses(large, some, 5), b = losses(*exact, some, 5);
  for (std::size_t k = 0; k < 5; ++k) CHECK(a[k] == Approx(b[k]).epsilon(1e-5));
  std::vector<float> found, expected;
  large.predict(some.views, found);
  exact->predict(some.views, expected);
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    CHECK(found[i] == Approx(expected[i]).epsilon(1e-4).scale(1));
}

TEST_CASE("a sample without a label is refused with one sentence") {
  const data some(8);
  const auto classifier = made();
  CHECK_THROWS_WITH_AS(losses(*classifier, some, 1), doctest::Contains("call set_labels"),
                       std::invalid_argument);
  classifier->set_labels(std::vector<int>(8, 4));
  CHECK_THROWS_WITH_AS(losses(*classifier, some, 1), "mixed_targets: label 4 is none of 4 classes",
                       std::invalid_argument);
}
