// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>

#include <pretext/core/is_finite.hpp>
#include <pretext/core/random.hpp>
#include <pretext/evaluation/scatter_matrix.hpp>

namespace pretext::inline v0_1 {

/// Features as points of a plane.
struct plane_projection {
  std::vector<std::array<float, 2>> points;  ///< (count)
  std::array<double, 2> explained{};         ///< fraction of the variance along each axis
};

namespace detail {

/// Eigenvectors of a symmetric matrix in columns, those of the largest eigenvalues last.
struct leading_axes {
  Eigen::VectorXd values;
  Eigen::MatrixXd vectors;

  /// All of them by Eigen's solver where that is cheap. Of a large matrix only the last 16, by subspace
  /// iteration from a fixed start until two directions have converged; if the spectrum is too flat for that,
  /// the directions are arbitrary anyway, and the iteration stops after 40 rounds.
  leading_axes(const Eigen::MatrixXd& symmetric, const cpu::stream& stream) {
    constexpr Eigen::Index small_enough = 256, block = 16;
    constexpr int rounds = 40, products = 8;
    if (symmetric.rows() <= small_enough) {
      take(symmetric);
      return;
    }
    using row_major_block = Eigen::Matrix<double, Eigen::Dynamic, block, Eigen::RowMajor>;
    const auto extent = static_cast<std::size_t>(symmetric.rows());
    on<cpu, fp64> context{.stream = stream};
    row_major_block basis(symmetric.rows(), block), product(symmetric.rows(), block);
    for (Eigen::Index i = 0; i < basis.size(); ++i)
      basis.data()[i] =
          static_cast<double>(random_key{.sample = static_cast<std::uint64_t>(i)}.uniform(0)) - 0.5;
    const auto orthonormalise = [&] {
      const Eigen::HouseholderQR<Eigen::MatrixXd> solved{basis};
      basis = solved.householderQ() * Eigen::MatrixXd::Identity(basis.rows(), block);
    };
    const auto multiply = [&] {
      kernels::gemm<cpu>::run(context, kernels::op::none, kernels::op::none, extent, std::size_t{block},
                              extent, symmetric.data(), std::as_const(basis).data(), product.data(),
                              kernels::write_mode::overwrite);
    };
    orthonormalise();
    for (int round = 0; round < rounds; ++round) {
      for (int i = 0; i < products; ++i) {
        multiply();
        basis = product;
        orthonormalise();
      }
      multiply();
      take(basis.transpose() * product);
      const Eigen::MatrixXd residual =
          (product * vectors - basis * vectors * values.asDiagonal()).rightCols<2>();
      vectors = basis * vectors;
      if (residual.norm() <= 1e-9 * values[block - 1]) return;
    }
  }

 private:
  void take(const Eigen::MatrixXd& symmetric) {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solved{symmetric};
    values = solved.eigenvalues();
    vectors = solved.eigenvectors();
  }
};

}  // namespace detail

/// The first two principal components (Pearson 1901) of features, (count, width) to (count, 2). The feature
/// that is farthest from the mean along an axis is on its positive side, so signs are reproducible. The cost
/// grows with the cube of the smaller of count and width: pass a few thousand features. Throws
/// std::invalid_argument if there are none or one is NaN or infinite.
inline plane_projection project_to_plane(const feature_view& features, const cpu::stream& stream = {}) {
  expects_finite(features, "projection");
  const auto mean = detail::mean_row(features.values(), features.width());
  const Eigen::MatrixXd scatter = detail::scatter_matrix(features.values(), mean, stream);
  const detail::leading_axes axes{scatter, stream};
  const double total = scatter.trace();

  plane_projection result{std::vector<std::array<float, 2>>(features.count()), {}};
  for (Eigen::Index axis = 0; axis < std::min<Eigen::Index>(2, scatter.rows()); ++axis) {
    const Eigen::Index from_last = axes.values.size() - 1 - axis;
    const double variance = std::max(0.0, axes.values[from_last]);
    const auto direction = axes.vectors.col(from_last);
    std::vector<double> along(features.count());
    for (std::size_t i = 0; i < features.count(); ++i) {
      if (features.count() < features.width()) {  // the eigenvector has an entry per feature
        along[i] = std::sqrt(variance * static_cast<double>(features.count())) *
                   direction[static_cast<Eigen::Index>(i)];
        continue;
      }
      for (std::size_t c = 0; c < features.width(); ++c)
        along[i] +=
            (static_cast<double>(features.row(i)[c]) - mean[c]) * direction[static_cast<Eigen::Index>(c)];
    }
    const auto farthest = std::ranges::max_element(along, {}, [](double at) { return std::abs(at); });
    const double sign = *farthest < 0 ? -1 : 1;
    const auto at = static_cast<std::size_t>(axis);
    for (std::size_t i = 0; i < features.count(); ++i)
      result.points[i][at] = static_cast<float>(sign * along[i]);
    result.explained[at] = total > 0 ? variance / total : 0;
  }
  return result;
}

}  // namespace pretext::inline v0_1
