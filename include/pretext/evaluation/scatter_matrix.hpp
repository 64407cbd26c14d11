// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include <pretext/core/context.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/kernels/cpu/gemm.hpp>

namespace pretext::inline v0_1::detail {

/// The mean of rows of `width` values.
inline std::vector<double> mean_row(std::span<const float> rows, std::size_t width) {
  std::vector<double> mean(width);
  const std::size_t count = rows.size() / width;
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t c = 0; c < width; ++c) mean[c] += static_cast<double>(rows[i * width + c]);
  for (double& value : mean) value /= static_cast<double>(count);
  return mean;
}

/// For X, the rows minus their mean: XXᵀ/count (count, count) if `of_rows`, else the covariance XᵀX/count
/// (width, width), which has the same nonzero eigenvalues.
inline Eigen::MatrixXd scatter_matrix(std::span<const float> rows, const std::vector<double>& mean,
                                      const cpu::stream& stream, bool of_rows) {
  const std::size_t width = mean.size(), count = rows.size() / width, extent = of_rows ? count : width;
  using kernels::op;
  on<cpu, fp64> context{.stream = stream};
  std::vector<double> sum(extent * extent), centred;
  const std::size_t block = of_rows ? count : std::size_t{1024};
  for (std::size_t first = 0; first < count; first += block) {
    const std::size_t rows_in_block = std::min(block, count - first);
    centred.resize(rows_in_block * width);
    for (std::size_t i = 0; i < centred.size(); ++i)
      centred[i] = static_cast<double>(rows[first * width + i]) - mean[i % width];
    const double* x = centred.data();
    if (of_rows)
      kernels::gemm<cpu>::run(context, op::none, op::transposed, count, count, width, x, x, sum.data(),
                              kernels::write_mode::accumulate);
    else
      kernels::gemm<cpu>::run(context, op::transposed, op::none, width, width, rows_in_block, x, x,
                              sum.data(), kernels::write_mode::accumulate);
  }
  const auto side = static_cast<Eigen::Index>(extent);
  return Eigen::Map<const Eigen::MatrixXd>(sum.data(), side, side) / static_cast<double>(count);
}

/// The smaller one of the two.
inline Eigen::MatrixXd scatter_matrix(std::span<const float> rows, const std::vector<double>& mean,
                                      const cpu::stream& stream) {
  return scatter_matrix(rows, mean, stream, rows.size() / mean.size() < mean.size());
}

}  // namespace pretext::inline v0_1::detail
