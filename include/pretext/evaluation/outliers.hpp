// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Cholesky>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/evaluation/feature_bank.hpp>
#include <pretext/evaluation/scatter_matrix.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

// A distance to the nearest neighbours alone is no measure of oddity: features of noise lie where those of
// images with little contrast are dense, and are nearer to them than varied images are to each other.
// Relative to how dense it is there, they are far away. Figures of several encoders are in
// docs/measurements.md.
namespace pretext::inline v0_1 {

/// The covariance of features, shrunk towards a multiple of the identity so that it can be inverted with few
/// features (Ledoit & Wolf 2004).
struct shrunk_covariance {
  std::vector<double> mean;
  Eigen::MatrixXd matrix;
  double shrinkage = 0;  ///< weight of the identity, in [0, 1]
};

/// The covariance of features with the shrinkage of Ledoit & Wolf (2004), Lemma 3.2 to 3.4. Throws
/// std::invalid_argument for fewer than two features, or if one is NaN or infinite.
inline shrunk_covariance ledoit_wolf(const feature_view& features, const cpu::stream& stream = {}) {
  expects_finite(features, "covariance");
  expects(features.count() > 1, "covariance: one feature has no covariance");
  shrunk_covariance found;
  found.mean = detail::mean_row(features.values(), features.width());
  found.matrix = detail::scatter_matrix(features.values(), found.mean, stream, false);
  const auto count = static_cast<double>(features.count()), width = static_cast<double>(features.width());
  double fourth_powers = 0;
  for (std::size_t i = 0; i < features.count(); ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < features.width(); ++c) {
      const double deviation = static_cast<double>(features.row(i)[c]) - found.mean[c];
      squares += deviation * deviation;
    }
    fourth_powers += squares * squares;
  }
  const double scale = found.matrix.trace() / width, norm = found.matrix.squaredNorm();
  const double distance = (norm - width * scale * scale) / width;         // d²: of the identity
  const double error = (fourth_powers / count - norm) / (count * width);  // b²: of the estimate
  found.shrinkage = distance > 0 ? std::clamp(error / distance, 0., 1.) : 1;
  found.matrix *= 1 - found.shrinkage;
  found.matrix.diagonal().array() += found.shrinkage * scale;
  return found;
}

/// What an `outlier_detector` measures.
enum class outlier_score {
  /// The local outlier factor (Breunig et al. 2000): how sparse the features are around this one, relative to
  /// around its neighbours. About 1 for normal images.
  local_density,
  neighbours,  ///< the mean distance to the nearest neighbours itself
  /// The distance to the mean in units of the standard deviation along each direction (Mahalanobis), with
  /// `ledoit_wolf`'s covariance: for images of one kind, of which a Gaussian is a good description.
  mahalanobis
};

/// How an `outlier_detector` scores.
struct outlier_options {
  outlier_score score = outlier_score::local_density;
  std::size_t neighbours = 20;  ///< nearest features that count; fewer where there are fewer
};

/// Scores how unlike other images an image is, by its feature. Distances to neighbours are those of features
/// of length 1, √(2 - 2 cosine). Constant after construction; threads may share it, each with its own stream.
class outlier_detector {
 public:
  /// `normal`: features of images that are normal, or mostly so, which it copies. Throws
  /// std::invalid_argument for fewer than three, if all are the same, or if one is NaN or infinite.
  explicit outlier_detector(const feature_view& normal, const outlier_options& options = {},
                            const cpu::stream& stream = {})
      : options_{options}, bank_{normal, {}, stream} {
    expects(normal.count() > 2, "outliers: ", normal.count(), " features do not say what is normal");
    expects(options.neighbours > 0, "outliers: the number of neighbours must be positive");
    options_.neighbours = std::min(options.neighbours, normal.count() - 1);
    if (options.score == outlier_score::mahalanobis) {
      prepare_mahalanobis(normal, stream);
      return;
    }
    const auto nearest = bank_.nearest_of_each(options_.neighbours, stream);
    double sum = 0;
    for (std::size_t i = 0; i < normal.count(); ++i) {
      farthest_.push_back(distance_to(neighbours_of(nearest, i).back()));
      sum += static_cast<double>(farthest_[i]);
    }
    const double mean = sum / static_cast<double>(normal.count());
    expects(mean > rounding, "outliers: all features are the same");
    // Of many copies the distance is 0, and their density would be infinite.
    for (float& distance : farthest_)
      distance = std::max(distance, static_cast<float>(std::max(0.01 * mean, rounding)));
    for (std::size_t i = 0; i < normal.count(); ++i) reach_.push_back(reach_of(neighbours_of(nearest, i)));
    for (std::size_t i = 0; i < normal.count(); ++i) scores_.push_back(score(neighbours_of(nearest, i)));
  }

  /// The score of each feature: larger is odder. Throws std::invalid_argument if the width differs or one is
  /// NaN or infinite.
  std::vector<float> operator()(const feature_view& features, const cpu::stream& stream = {}) const {
    if (options_.score == outlier_score::mahalanobis) return mahalanobis(features, stream);
    std::vector<float> scores(features.count());
    bank_.for_each_nearest(
        features, options_.neighbours, stream,
        [&](std::size_t query, std::span<const neighbour> nearest) { scores[query] = score(nearest); });
    return scores;
  }

  /// The scores of the normal features themselves, each without itself among its neighbours: finds outliers
  /// in a set of which most are normal.
  std::vector<float> of_normal() const { return scores_; }

 private:
  static constexpr double rounding = 1e-3;  // distance of equal rows of length 1

  std::span<const neighbour> neighbours_of(const std::vector<neighbour>& all, std::size_t row) const {
    return std::span{all}.subspan(row * options_.neighbours, options_.neighbours);
  }
  static float distance_to(const neighbour& n) {
    return static_cast<float>(std::sqrt(std::max(0., 2 - 2 * static_cast<double>(n.similarity))));
  }
  /// The mean reachability distance, Definition 5 and 6 of the paper: the inverse of the density.
  float reach_of(std::span<const neighbour> nearest) const {
    float sum = 0;
    for (const neighbour& n : nearest) sum += std::max(distance_to(n), farthest_[n.index]);
    return sum / static_cast<float>(nearest.size());
  }
  float score(std::span<const neighbour> nearest) const {
    float sum = 0;
    if (options_.score == outlier_score::neighbours) {
      for (const neighbour& n : nearest) sum += distance_to(n);
      return sum / static_cast<float>(nearest.size());
    }
    for (const neighbour& n : nearest) sum += 1 / reach_[n.index];
    return reach_of(nearest) * sum / static_cast<float>(nearest.size());
  }

  void prepare_mahalanobis(const feature_view& normal, const cpu::stream& stream) {
    shrunk_covariance covariance = ledoit_wolf(normal, stream);
    const double scale = covariance.matrix.trace() / static_cast<double>(normal.width());
    expects(scale > 0, "outliers: all features are the same");
    covariance.matrix.diagonal().array() += 1e-6 * scale;  // directions without variance
    const Eigen::MatrixXd inverse = covariance.matrix.llt().matrixL().solve(
        Eigen::MatrixXd::Identity(covariance.matrix.rows(), covariance.matrix.cols()));
    for (Eigen::Index i = 0; i < inverse.rows(); ++i)
      for (Eigen::Index c = 0; c < inverse.cols(); ++c)
        whitening_.push_back(static_cast<float>(inverse(i, c)));
    mean_ = std::move(covariance.mean);
    scores_ = mahalanobis(normal, stream);
  }

  std::vector<float> mahalanobis(const feature_view& features, const cpu::stream& stream) const {
    const std::size_t width = mean_.size();
    expects_finite(features, "outliers");
    expects(features.width() == width, "outliers: the normal features have width ", width,
            ", and these have ", features.width());
    std::vector<float> centred(features.values().size()), whitened(centred.size()), scores;
    for (std::size_t i = 0; i < centred.size(); ++i)
      centred[i] = static_cast<float>(static_cast<double>(features.values()[i]) - mean_[i % width]);
    on<cpu> context{.stream = stream};
    kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::transposed, features.count(), width,
                            width, std::as_const(centred).data(), whitening_.data(), whitened.data(),
                            kernels::write_mode::overwrite);
    for (std::size_t i = 0; i < features.count(); ++i) {
      double squares = 0;
      for (std::size_t c = 0; c < width; ++c)
        squares +=
            static_cast<double>(whitened[i * width + c]) * static_cast<double>(whitened[i * width + c]);
      scores.push_back(static_cast<float>(std::sqrt(squares)));
    }
    return scores;
  }

  outlier_options options_;
  feature_bank bank_;
  std::vector<float> farthest_,
      reach_;                     // of each normal feature: distance to its k-th neighbour, inverse density
  std::vector<double> mean_;      // of Mahalanobis' distance
  std::vector<float> whitening_;  // (width, width)
  std::vector<float> scores_;
};

}  // namespace pretext::inline v0_1
