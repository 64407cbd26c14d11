// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>

namespace pretext::inline v0_1 {

/// The area under the ROC curve: the probability that a positive example has a larger score than a negative
/// one, where equal scores count half. 0.5 is chance. `positive(i)` says what example i is. NaN if all
/// examples are of one kind.
template <class Positive>
double auroc(std::span<const float> scores, const Positive& positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double pairs = 0, below = 0;  // positives above negatives; negatives with a smaller score
  double positives = 0;
  for (std::size_t first = 0; first < order.size();) {
    double tied_positives = 0, tied_negatives = 0;
    std::size_t i = first;
    for (; i < order.size() && scores[order[i]] == scores[order[first]]; ++i)
      ++(positive(order[i]) ? tied_positives : tied_negatives);
    if (i == first) return std::numeric_limits<double>::quiet_NaN();  // a score is NaN
    pairs += tied_positives * (below + tied_negatives / 2);
    below += tied_negatives;
    positives += tied_positives;
    first = i;
  }
  return positives * below > 0 ? pairs / (positives * below) : std::numeric_limits<double>::quiet_NaN();
}

/// How well images are classified; where classes differ in size, accuracy alone says little.
struct classification_metrics {
  std::size_t count = 0, classes = 0;
  double accuracy = 0;              ///< fraction of the images that are classified correctly
  double balanced_accuracy = 0;     ///< mean of the recalls: every class counts alike
  double mean_auroc = 0;            ///< mean of the classes' AUROC; NaN if no class has one
  std::vector<std::size_t> images;  ///< (classes): images of each class
  std::vector<double> recall;       ///< (classes): fraction of a class that is found; NaN without images
  std::vector<double> precision;    ///< (classes): fraction of what is called so that is; NaN if nothing is
  std::vector<double> auroc;        ///< (classes): of the class against all others; NaN if there are none
  std::vector<std::size_t> confusion;  ///< (classes, classes): images of class row that are called column
};

/// Measures a classifier by the scores that it gives each image, (labels, classes); the largest score is the
/// class it names, of equal ones the first. AUROC compares images with each other, so pass probabilities and
/// not logits. Labels beyond the scores' classes are of classes that the classifier does not know. Throws
/// std::invalid_argument if there are no images, a label is negative, or a score is NaN.
inline classification_metrics measure_classification(std::span<const int> labels,
                                                     std::span<const float> scores, std::size_t classes) {
  expects(!labels.empty() && classes > 0 && scores.size() == labels.size() * classes,
          "classification metrics: ", scores.size(), " scores are not those of ", labels.size(),
          " images and ", classes, " classes");
  expects(std::ranges::none_of(scores, [](float score) { return pretext::detail::is_nan(score); }),
          "classification metrics: a score is NaN");
  const auto [smallest, largest] = std::ranges::minmax(labels);
  expects(smallest >= 0, "classification metrics: the label ", smallest,
          " is negative; leave unlabelled images out");
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  classification_metrics found;
  found.count = labels.size();
  const std::size_t all = found.classes = std::max(classes, static_cast<std::size_t>(largest) + 1);
  found.images.resize(all);
  found.confusion.resize(all * all);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = scores.subspan(i * classes, classes);
    const auto label = static_cast<std::size_t>(labels[i]);
    const auto named = static_cast<std::size_t>(std::ranges::max_element(row) - row.begin());
    ++found.images[label];
    ++found.confusion[label * all + named];
    correct += label == named;
  }
  found.accuracy = static_cast<double>(correct) / static_cast<double>(labels.size());
  const auto mean_of = [](const std::vector<double>& values) {
    double sum = 0, count = 0;
    for (const double value : values)
      if (!pretext::detail::is_nan(value)) sum += value, ++count;
    return count > 0 ? sum / count : none;
  };
  std::vector<float> of_class(labels.size());
  for (std::size_t c = 0; c < all; ++c) {
    std::size_t named = 0;
    for (std::size_t row = 0; row < all; ++row) named += found.confusion[row * all + c];
    const auto right = static_cast<double>(found.confusion[c * all + c]);
    found.recall.push_back(found.images[c] > 0 ? right / static_cast<double>(found.images[c]) : none);
    found.precision.push_back(named > 0 ? right / static_cast<double>(named) : none);
    for (std::size_t i = 0; c < classes && i < labels.size(); ++i) of_class[i] = scores[i * classes + c];
    found.auroc.push_back(
        c < classes ? pretext::auroc(of_class,
                                     [&](std::size_t i) { return static_cast<std::size_t>(labels[i]) == c; })
                    : none);
  }
  found.balanced_accuracy = mean_of(found.recall);
  found.mean_auroc = mean_of(found.auroc);
  return found;
}

}  // namespace pretext::inline v0_1
