// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/masked_pixels.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// MAE's loss (He et al. 2022, §3): the mean error over the pixels of the masked patches; each patch is
/// normalised by its mean and √(v + 1e-6), where v is its unbiased variance. Visible patches are left out.
struct masked_pixels {
  bool normalise = true;  ///< false: the pixels themselves, MAE's baseline
  pixel_error error = pixel_error::squared;
  double slack = 0;  ///< added to the number of masked pixels: 1e-5 in SimMIM's official code

  friend bool operator==(const masked_pixels&, const masked_pixels&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(slack >= 0 && detail::is_finite(slack), "masked_pixels: slack ", slack,
            " must be a finite number that is not negative");
  }

  /// Compares predictions (n, masked, patch·patch·C) of the masked patches, in the mask's order, with images
  /// (n, H, W, C); returns the loss and adds its gradient to dprediction.
  template <class Context, Shape Masked, class Grid, std::size_t Visible>
  typename Context::loss_value operator()(Context& context, reads<Context, Masked> prediction,
                                          reads<Context, typename Grid::images> images,
                                          const masks<Grid, Visible>& masked,
                                          writes<Context, Masked> dprediction) const {
    static_assert(Masked::size == (Grid::patches - Visible) * Grid::patch_dim,
                  "pretext::masked_pixels: a prediction must have a value for every pixel and channel of "
                  "every masked patch.");
    expects(images.batch == prediction.batch && masked.batch == prediction.batch,
            "masked_pixels: ", prediction.batch, " predictions need as many images and masks, not ",
            images.batch, " and ", masked.batch);
    constexpr auto channels = static_cast<double>(Grid::extents.channels);
    const std::size_t all = prediction.size() * distributed::shards_of(context);
    const double denominator = static_cast<double>(all) + slack * channels;
    return kernels::masked_pixels<typename Context::device>::run(
        context, Grid::extents, kernels::pixel_comparison{normalise, error, denominator}, images.batch,
        masked.masked_patches(), images.data, prediction.data, dprediction.data);
  }
};

}  // namespace pretext::inline v0_1
