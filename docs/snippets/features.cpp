// What people do with features, as functions over memory (docs/using.md).
#include <cstdio>
#include <filesystem>
#include <random>
#include <vector>

#include <Eigen/Core>
#include <pretext/edge/eigen.hpp>
#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/diverse_subset.hpp>
#include <pretext/evaluation/duplicates.hpp>
#include <pretext/evaluation/feature_bank.hpp>
#include <pretext/evaluation/linear_probe.hpp>
#include <pretext/evaluation/outliers.hpp>

using namespace pretext;

int main() {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "pretext_docs_probe.safetensors";
  // Features of three kinds of images, one of them twice.
  using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  row_major features(120, 8);
  std::vector<int> labels;
  std::mt19937 random{1};
  std::normal_distribution<float> noise{0, .3f};
  for (int i = 0; i < 120; ++i) {
    labels.push_back(i % 3);
    for (int c = 0; c < 8; ++c) features(i, c) = (c % 3 == i % 3 ? 2.f : 0.f) + noise(random);
  }
  features.row(119) = features.row(5);
  row_major queries = features.topRows(3);
  queries.row(2).setConstant(-4);

  // [bank]
  // Features are an Eigen matrix, a span with a width, or a feature_table.
  const feature_bank bank{features, {.centred = true}};
  const std::vector<neighbour> nearest = bank.nearest(queries, 5);  // (queries, 5): index and similarity
  // [/bank]

  // [kinds]
  const auto groups = connected_groups(bank.size(), similar_pairs(bank, 0.999));  // duplicates
  const std::vector<diverse_row> worth_labelling = diverse_subset(bank, 12);
  const outlier_detector odd{features};
  const std::vector<float> scores = odd(queries);  // larger is odder
  // [/kinds]

  // [probe]
  feature_classifier classifier =
      linear_probe{.epochs = 30, .scaling = probe_scaling::standardised}.train({features, labels}).classifier;
  classifier.class_names = {"scratch", "dent", "good"};
  save_feature_classifier(path, classifier);

  const feature_classifier loaded = load_feature_classifier(path);
  const std::vector<float> probabilities = loaded.probabilities(features);  // (images, classes)
  const auto matrix = as_eigen(probabilities, loaded.classes());            // the same memory
  const classification_metrics found = measure_classification(labels, probabilities, loaded.classes());
  std::printf("balanced accuracy %.2f, recall of %s %.2f\n", found.balanced_accuracy,
              loaded.class_names[0].c_str(), found.recall[0]);
  // [/probe]

  std::filesystem::remove(path);
  const bool right = nearest[0].index == 0 && groups.size() == 1 && groups[0][1] == 119 &&
                     worth_labelling.size() == 12 && scores[2] > 2 * scores[0] &&
                     found.balanced_accuracy > .9 && matrix.rows() == 120;
  return right ? 0 : 1;
}
