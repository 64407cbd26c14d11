// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

#include <Eigen/Eigenvalues>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/evaluation/scatter_matrix.hpp>

namespace pretext::inline v0_1 {

/// The signs of collapse in a batch of embeddings: a network that gives every image the same or nearly the
/// same embedding has collapsed, and its loss looks good.
struct collapse_report {
  /// Standard deviation of the L2-normalised embeddings per dimension, averaged over the dimensions.
  double std = 0;
  /// 1/√width: the value of `std` if embeddings are uniform on the sphere (Chen & He 2021).
  double uniform_std = 0;
  /// exp of the entropy of the covariance's normalised spectrum (Roy & Vetterli 2007), in [1, width].
  double effective_rank = 0;
  /// With fewer images there is no verdict: n perfectly learned images span n - 1 dimensions, and a few of
  /// them may well be alike.
  static constexpr std::size_t min_images = 8;
  std::size_t images = 0;      ///< that the embeddings belong to
  std::size_t not_finite = 0;  ///< embeddings with a value that is NaN or infinite
  bool collapsed = false;
  std::string finding;  ///< one sentence: what was measured
  std::string verdict;  ///< the same, and a sentence on what to try

  /// The verdict with what a loss says to try (losses/collapse_advice.hpp) in place of the general advice,
  /// unless `advice` is empty or embeddings are not finite.
  std::string verdict_with(std::string_view advice) const {
    return advice.empty() || not_finite > 0 || !collapsed ? verdict : str_cat(finding, " ", advice);
  }
};

namespace detail {

/// Three significant digits, in every locale with a point.
inline std::string three_digits(double value) {
  std::array<char, 32> text{};
  return {text.data(),
          std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 3).ptr};
}

/// Writes what was found and what to try.
inline void write_verdict(collapse_report& found, const feature_view& embeddings, bool to_a_point) {
  const std::string spread = str_cat("standard deviation ", three_digits(found.std), " per dimension, where ",
                                     three_digits(found.uniform_std), " is spread evenly; effective rank ",
                                     three_digits(found.effective_rank), " of ", embeddings.width());
  std::string advice;
  if (found.not_finite > 0) {
    found.finding = str_cat(found.not_finite, " of ", embeddings.count(),
                            " embeddings are not finite: the weights have diverged.");
    advice = " Try a smaller learning rate or a longer warm-up, and look for broken images.";
  } else if (found.images < collapse_report::min_images) {
    found.finding = str_cat("No verdict: ", found.images, " images are too few to tell (", spread, ").");
  } else if (to_a_point) {
    found.finding = str_cat("Collapsed: all embeddings point nearly the same way (", spread, ").");
    advice =
        " Check that no gradient reaches the target, that predictor and batch norm are in their places, and "
        "that weight decay is not 0; then try a target that moves more slowly or a smaller learning rate.";
  } else if (found.collapsed) {
    found.finding = str_cat("Collapsed to few dimensions (", spread, ").");
    advice =
        " Try stronger augmentation, colour above all, a larger batch, a lower temperature or a wider "
        "projection head.";
  } else {
    found.finding = str_cat("No collapse: ", spread, ".");
  }
  found.verdict = found.finding + advice;
}

}  // namespace detail

/// Tests embeddings for collapse: to a point if `std` is below a tenth of `uniform_std`; to few dimensions if
/// the effective rank is below 2 or a fiftieth of the largest possible rank, which is one less than the
/// number of images. NaN and infinity count as collapse; of fewer than eight images nothing else does.
/// `views`: embeddings of each image. Throws std::invalid_argument for fewer than two embeddings, and if they
/// are no whole number of images.
inline collapse_report detect_collapse(const feature_view& embeddings, const cpu::stream& stream = {},
                                       std::size_t views = 1) {
  expects(embeddings.count() > 0, "collapse: there are no features");
  expects(embeddings.count() > 1, "collapse: one embedding cannot show whether embeddings differ");
  expects(views > 0 && embeddings.count() % views == 0, "collapse: ", embeddings.count(),
          " embeddings are not those of ", views, " views of each image");
  collapse_report found;
  found.images = embeddings.count() / views;
  found.uniform_std = 1 / std::sqrt(static_cast<double>(embeddings.width()));
  for (std::size_t i = 0; i < embeddings.count(); ++i)
    found.not_finite += !std::all_of(embeddings.row(i), embeddings.row(i) + embeddings.width(),
                                     [](float value) { return pretext::detail::is_finite(value); });
  bool to_a_point = false;
  if (found.not_finite > 0) {
    found.collapsed = true;
  } else {
    const auto unit = unit_rows(embeddings, stream);
    const auto mean = detail::mean_row(unit, embeddings.width());
    std::vector<double> variance(embeddings.width());
    for (std::size_t i = 0; i < unit.size(); ++i) {
      const double deviation = static_cast<double>(unit[i]) - mean[i % embeddings.width()];
      variance[i % embeddings.width()] += deviation * deviation / static_cast<double>(embeddings.count());
    }
    for (const double square : variance)
      found.std += std::sqrt(square) / static_cast<double>(embeddings.width());

    const Eigen::VectorXd spectrum =
        Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>{detail::scatter_matrix(unit, mean, stream),
                                                       Eigen::EigenvaluesOnly}
            .eigenvalues()
            .cwiseMax(0.0);
    const double total = spectrum.sum();
    double entropy = 0;
    for (const double value : spectrum)
      if (value > 0) entropy -= value / total * std::log(value / total);
    // A variance below the precision of float has no meaningful spectrum.
    found.effective_rank = total > 1e-12 ? std::exp(entropy) : 1;

    const auto possible = static_cast<double>(std::min(embeddings.width(), found.images - 1));
    to_a_point = found.std < found.uniform_std / 10;
    const bool to_few_dimensions = possible > 2 && found.effective_rank < std::max(2.0, possible / 50);
    found.collapsed = found.images >= collapse_report::min_images && (to_a_point || to_few_dimensions);
  }
  detail::write_verdict(found, embeddings, to_a_point);
  return found;
}

}  // namespace pretext::inline v0_1
