#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

#include <Eigen/Eigenvalues>

#include <pretext/evaluation/scatter_matrix.hpp>

namespace pretext {

/// Signs of collapse in embeddings: the failure in which a network answers the same whatever it sees.
struct collapse {
  double std = 0;  ///< standard deviation per dimension of the embeddings at length 1, the mean over all
  double uniform_std = 0;  ///< 1/√width, its value where embeddings lie evenly on the sphere (Chen & He 2021)
  double effective_rank =
      0;  ///< exp of the entropy of the covariance's spectrum (Roy & Vetterli 2007), 1 to width
  std::size_t not_finite = 0;  ///< embeddings with a number that is not finite
  bool collapsed = false;
  std::string verdict;  ///< what was seen and what to try
};

namespace detail {

inline std::string three_digits(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g", number);
  return text.data();
}

inline std::string collapse_verdict(const collapse& seen, std::size_t count, std::size_t width,
                                    bool to_a_point) {
  const std::string spread = str_cat("standard deviation ", three_digits(seen.std), " per dimension, where ",
                                     three_digits(seen.uniform_std), " is spread evenly; effective rank ",
                                     three_digits(seen.effective_rank), " of ", width);
  if (seen.not_finite > 0)
    return str_cat(
        seen.not_finite, " of ", count,
        " embeddings are not finite: the weights have diverged. Try a smaller learning rate or a longer "
        "warm-up, and look for broken images.");
  if (to_a_point)
    return str_cat(
        "Collapsed: all embeddings point nearly the same way (", spread,
        "). Check that no gradient reaches the target, that predictor and batch norm are in their places, "
        "and that weight decay is not 0; then try a target that moves more slowly or a smaller learning "
        "rate.");
  if (seen.collapsed)
    return str_cat(
        "Collapsed to few dimensions (", spread,
        "). Try stronger augmentation, colour above all, a larger batch, a lower temperature or a wider "
        "projection head.");
  return str_cat("No collapse: ", spread, ".");
}

}  // namespace detail

/// Looks for collapse in embeddings: to a point below a tenth of the even deviation, to few dimensions below
/// an effective rank of 2 or of a fiftieth of what is possible. Throws std::invalid_argument for fewer than
/// two.
inline collapse look_for_collapse(const feature_table& embeddings, const cpu::stream& stream = {}) {
  expects_features(embeddings, "collapse");
  expects(embeddings.count > 1, "collapse: one embedding cannot show whether embeddings differ");
  collapse seen;
  seen.uniform_std = 1 / std::sqrt(static_cast<double>(embeddings.width));
  for (std::size_t i = 0; i < embeddings.count; ++i)
    seen.not_finite += !std::all_of(embeddings.row(i), embeddings.row(i) + embeddings.width,
                                    [](float value) { return std::isfinite(value); });
  bool to_a_point = false;
  if (seen.not_finite > 0) {
    seen.collapsed = true;
  } else {
    const auto unit = unit_rows(embeddings, stream);
    const auto mean = detail::mean_row(unit, embeddings.width);
    std::vector<double> variance(embeddings.width);
    for (std::size_t i = 0; i < unit.size(); ++i) {
      const double away = static_cast<double>(unit[i]) - mean[i % embeddings.width];
      variance[i % embeddings.width] += away * away / static_cast<double>(embeddings.count);
    }
    for (const double square : variance)
      seen.std += std::sqrt(square) / static_cast<double>(embeddings.width);

    const Eigen::VectorXd spectrum =
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>{detail::scatter_matrix(unit, mean, stream),
                                                       Eigen::EigenvaluesOnly}
            .eigenvalues()
            .cwiseMax(0.0);
    const double total = spectrum.sum();
    double entropy = 0;
    for (const double value : spectrum)
      if (value > 0) entropy -= value / total * std::log(value / total);
    // What varies by less than float can tell has no spectrum.
    seen.effective_rank = total > 1e-12 ? std::exp(entropy) : 1;

    const auto possible = static_cast<double>(std::min(embeddings.width, embeddings.count - 1));
    to_a_point = seen.std < seen.uniform_std / 10;
    seen.collapsed = to_a_point || (possible > 2 && seen.effective_rank < std::max(2.0, possible / 50));
  }
  seen.verdict = detail::collapse_verdict(seen, embeddings.count, embeddings.width, to_a_point);
  return seen;
}

}  // namespace pretext
