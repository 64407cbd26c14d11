#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <Eigen/Eigenvalues>

#include <pretext/evaluation/scatter_matrix.hpp>

namespace pretext {

/// A picture of an embedding: every feature as a point of the plane.
struct plane_projection {
  std::vector<std::array<float, 2>> points;  // (count)
  std::array<double, 2> explained{};         ///< shares of the variance that lie along both axes
};

/// The first two principal components (Pearson 1901) of features, (count, width) to (count, 2). Each axis
/// points to where the farthest feature lies. Cost grows with the cube of the smaller of count and width:
/// hand in a few thousand features. Throws std::invalid_argument if there are none or one is not finite.
inline plane_projection project_to_plane(const features& some, const cpu::stream& stream = {}) {
  expects_features(some, "projection");
  expects(std::ranges::all_of(some.values, [](float value) { return std::isfinite(value); }),
          "projection: a feature is not a finite number");
  const auto mean = detail::mean_row(some.values, some.width);
  const Eigen::MatrixXd scatter = detail::scatter_matrix(some.values, mean, stream);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved{scatter};
  const double total = solved.eigenvalues().cwiseMax(0.0).sum();

  plane_projection made{std::vector<std::array<float, 2>>(some.count), {}};
  for (Eigen::Index axis = 0; axis < std::min<Eigen::Index>(2, scatter.rows()); ++axis) {
    const Eigen::Index from_last = scatter.rows() - 1 - axis;
    const double variance = std::max(0.0, solved.eigenvalues()[from_last]);
    const auto direction = solved.eigenvectors().col(from_last);
    std::vector<double> along(some.count);
    for (std::size_t i = 0; i < some.count; ++i) {
      if (some.count < some.width) {  // the eigenvector has an entry per feature
        along[i] =
            std::sqrt(variance * static_cast<double>(some.count)) * direction[static_cast<Eigen::Index>(i)];
        continue;
      }
      for (std::size_t c = 0; c < some.width; ++c)
        along[i] += (static_cast<double>(some.row(i)[c]) - mean[c]) * direction[static_cast<Eigen::Index>(c)];
    }
    const auto farthest = std::ranges::max_element(along, {}, [](double at) { return std::abs(at); });
    const double sign = *farthest < 0 ? -1 : 1;
    const auto at = static_cast<std::size_t>(axis);
    for (std::size_t i = 0; i < some.count; ++i) made.points[i][at] = static_cast<float>(sign * along[i]);
    made.explained[at] = total > 0 ? variance / total : 0;
  }
  return made;
}

}  // namespace pretext
