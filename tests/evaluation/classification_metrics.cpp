#include <pretext/evaluation/classification_metrics.hpp>

#include "evaluation.hpp"

using namespace pretext;
using doctest::Approx;

TEST_CASE("AUROC is the share of pairs in the right order, equal scores count half") {
  const std::vector<float> scores{.9f, .1f, .5f, .5f, .2f, .7f};
  const std::vector<int> kind{1, 0, 1, 0, 0, 0};
  double pairs = 0, right = 0;
  for (std::size_t p = 0; p < 6; ++p)
    for (std::size_t n = 0; n < 6; ++n)
      if (kind[p] == 1 && kind[n] == 0) {
        ++pairs;
        right += scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? .5 : 0;
      }
  CHECK(auroc(scores, [&](std::size_t i) { return kind[i] == 1; }) == Approx(right / pairs).epsilon(1e-12));
  CHECK(auroc(scores, [&](std::size_t i) { return kind[i] == 0; }) == Approx(1 - right / pairs));
  CHECK(auroc(std::vector<float>(6, 1), [&](std::size_t i) { return kind[i] == 1; }) == .5);
  CHECK(std::isnan(auroc(scores, [](std::size_t) { return true; })));
  CHECK(std::isnan(auroc(std::vector<float>{NAN, 1, 2}, [](std::size_t i) { return i == 1; })));
}

TEST_CASE("a rare class that is never found halves balanced accuracy and hardly changes accuracy") {
  std::vector<int> labels(100, 0);
  std::vector<float> scores(200);
  for (std::size_t i = 0; i < 100; ++i) scores[i * 2] = 1;
  labels[3] = labels[50] = 1;
  scores[3 * 2] = scores[50 * 2] = .6f;
  scores[3 * 2 + 1] = scores[50 * 2 + 1] = .4f;
  const auto found = measure_classification(labels, scores, 2);
  CHECK(found.accuracy == .98);
  CHECK(found.balanced_accuracy == .5);
  CHECK(found.recall == std::vector<double>{1, 0});
  CHECK(found.precision[0] == .98);
  CHECK(std::isnan(found.precision[1]));
  CHECK(found.confusion == std::vector<std::size_t>{98, 0, 2, 0});
  CHECK(found.images == std::vector<std::size_t>{98, 2});
  CHECK(found.auroc == std::vector<double>{1, 1});  // the scores do rank it first
  CHECK(found.mean_auroc == 1);
}

TEST_CASE(
    "classes without images and classes that the classifier does not know have no figure of their own") {
  const std::vector<int> labels{0, 2, 3};
  const std::vector<float> scores{1, 0, 0, 0, 0, 1, 0, 1, 0};
  const auto found = measure_classification(labels, scores, 3);
  CHECK(found.classes == 4);
  CHECK(found.accuracy == Approx(2. / 3));
  CHECK(found.balanced_accuracy == Approx(2. / 3));
  CHECK(std::isnan(found.recall[1]));
  CHECK(found.recall[3] == 0);
  CHECK(found.confusion[3 * 4 + 1] == 1);
  CHECK(std::isnan(found.auroc[3]));
}

TEST_CASE("scores that do not fit are refused") {
  const std::vector<int> labels{0, 1};
  CHECK_THROWS_WITH_AS(measure_classification(labels, std::vector<float>(3), 2),
                       "classification metrics: 3 scores are not those of 2 images and 2 classes",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(measure_classification(labels, std::vector<float>{1, 2, NAN, 1}, 2),
                       "classification metrics: a score is NaN", std::invalid_argument);
  CHECK_THROWS_WITH_AS(measure_classification(std::vector<int>{0, -1}, std::vector<float>(4), 2),
                       "classification metrics: the label -1 is negative; leave unlabelled images out",
                       std::invalid_argument);
}
