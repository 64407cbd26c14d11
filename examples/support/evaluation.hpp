#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/evaluation/features.hpp>

#include "datasets.hpp"
#include "processor.hpp"
#include "run_folder.hpp"

namespace programs {

/// Accuracies of one kind of feature on the test images, in [0, 1]; negative where it was not measured.
struct accuracies {
  double knn = -1, linear = -1;
};

/// What `evaluate` found out about a run.
struct findings {
  accuracies trained, untrained, pixels;
  pretext::feature_table train, test;  ///< of the trained encoder
  double seconds = 0;
};

/// How `evaluate` measures.
struct evaluation_options {
  std::size_t neighbours = 200;
  double temperature = 0.1;
  std::size_t linear_epochs = 30;
  std::string probe = "simclr";   // or "mae": LARS behind batch norm, in batches of up to 16384
  processor where{.threads = 2};  // of the encoder; the rest is the CPU's
};

/// Weighted kNN and a linear probe on the feature h, beside the same encoder untrained and raw pixels.
findings evaluate(const run_folder& folder, const recipe& asked, const datasets& data,
                  const evaluation_options& how);

}  // namespace programs
