// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/augment/batch_mix.hpp>
#include <pretext/core/distributions.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// Replaces a box of every image by the same box of another image (Yun et al. 2019). The box has the fraction
/// 1 - λ of the area, λ ~ Beta(α, α), and a uniform centre. λ is then recomputed from the box clipped to the
/// image, as in timm 1.0 (whose older versions make the sides even).
struct cutmix {
  double alpha = 1;

  /// Of the key of a batch, `keys(0)` of the step.
  static constexpr std::uint32_t stream_id = streams::cutmix.first, stream_size = streams::cutmix.size;
  static_assert(2 * gamma_draws + 2 <= stream_size);

  PRETEXT_HOST_DEVICE batch_mix choose(const random_key& key, image_extent view) const {
    return around(beta_variate(key, stream_id, alpha, alpha),
                  key.uniform_int(stream_id + 2 * gamma_draws, static_cast<std::uint32_t>(view.height)),
                  key.uniform_int(stream_id + 2 * gamma_draws + 1, static_cast<std::uint32_t>(view.width)),
                  view);
  }

  /// The mix for a given λ and centre of the box.
  PRETEXT_HOST_DEVICE static batch_mix around(double lambda, std::size_t row, std::size_t column,
                                              image_extent view) {
    struct interval {
      std::size_t begin, end;
    };
    const auto clip = [side = std::sqrt(1 - lambda)](std::size_t centre, std::size_t extent) {
      const auto cut = static_cast<std::size_t>(static_cast<double>(extent) * side);
      const std::size_t before = cut / 2, end = centre + (cut + 1) / 2;
      return interval{before < centre ? centre - before : 0, end < extent ? end : extent};
    };
    const interval rows = clip(row, view.height), columns = clip(column, view.width);
    const std::size_t height = rows.end - rows.begin, width = columns.end - columns.begin;
    const double covered =
        static_cast<double>(height * width) / static_cast<double>(view.height * view.width);
    return {1 - covered, true, rows.begin, columns.begin, height, width};
  }
};

}  // namespace pretext::inline v0_1
