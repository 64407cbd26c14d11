#pragma once
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <pretext/evaluation/classification_metrics.hpp>
#include <pretext/evaluation/features.hpp>

#include "compute_options.hpp"
#include "datasets.hpp"
#include "run_folder.hpp"
#include "shared_evaluation.hpp"

namespace programs {

/// Accuracies of one kind of feature on the test images, in [0, 1]; negative if not measured.
struct accuracies {
  double knn = -1, linear = -1;
  pretext::classification_metrics of_knn{}, of_probe{};

  /// Those of the linear probe, or of kNN without one.
  const pretext::classification_metrics& metrics() const { return linear < 0 ? of_knn : of_probe; }
};

struct evaluation_result {
  accuracies trained, untrained, pixels;
  pretext::feature_table train, test;           ///< features of the trained encoder
  std::map<std::string, std::string> left_out;  ///< name and fault of the images that could not be read
  double seconds = 0;
};

struct evaluation_options {
  std::size_t neighbours = 200;           // k of the kNN
  double temperature = 0.1;               // of the kNN's weights
  std::size_t linear_epochs = 30;         // 0: no linear probe
  std::string probe = "simclr";           // or "mae": LARS after batch norm, in batches of up to 16384
  compute_options compute{.threads = 2};  // for the encoder; kNN and probe run on the CPU
};

/// Measures weighted kNN and a linear probe on the feature h of the run's encoder, and on two baselines: the
/// same encoder untrained, and raw pixels. Where the recipe says so, images that cannot be read are left out,
/// of `data` as well. `shards`: null, or those that share the images, all of which call it; the first one
/// alone trains linear probes.
evaluation_result evaluate(const run_folder& folder, const recipe& config, datasets& data,
                           const evaluation_options& options, shards_on_host* shards = nullptr);

}  // namespace programs
