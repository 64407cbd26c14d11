// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/nt_xent.hpp>
#include <pretext/losses/collapse_advice.hpp>

namespace pretext::inline v0_1 {

/// SimCLR's loss (Chen et al. 2020, eq. 1), the mean over the 2n rows of z: row i and row i+n are two views
/// of one image, all other rows are its negatives. Throws std::invalid_argument for an odd number of rows and
/// for the two of a single image.
struct nt_xent {
  static constexpr std::string_view collapse_advice = detail::advice_with_negatives;
  double temperature = 0.5;  ///< positive
  double weight = 1;         ///< 2 for the sum over both views that SimCLR's official code returns

  friend bool operator==(const nt_xent&, const nt_xent&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t images, std::size_t) const { return weight * std::log(2 * double(images) - 1); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(temperature > 0 && detail::is_finite(temperature), "nt_xent: temperature ", temperature,
            " must be positive and finite");
  }

  /// Returns the loss of z (2n, D) and adds its gradient to dz.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> z,
                                          writes<Context, S> dz) const {
    expects(z.batch != 2,
            "nt_xent: an image is compared with the others of its batch, and a batch of one image has "
            "none; take a larger batch");
    return kernels::nt_xent<typename Context::device>::run(context, z.batch, S::size, temperature, weight,
                                                           z.data, dz.data);
  }
};

}  // namespace pretext::inline v0_1
