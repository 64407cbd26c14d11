// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

/// The taps of one output pixel along one axis. They are computed once per row and column of a view and kept
/// in shared memory, with the weights of the first of them; the weights are divided by their sum if that is
/// not 1 by construction.
template <int Kept>
struct pixel_taps {
  static constexpr int kept = Kept;
  std::int32_t first, count;
  float start, step, factor;
  float weight[kept];

  /// Computes the taps of output pixel `index`.
  PRETEXT_HOST_DEVICE void set(const axis_resampling& axis, std::int64_t index) {
    const auto window = axis(index);
    first = static_cast<std::int32_t>(window.first);
    count = window.count;
    start = window.start;
    step = window.step;
    factor = 1;
    const auto extent = static_cast<std::int32_t>(axis.axis.extent);
    int counted = 0;
    float sum = 0;
    for (int k = 0; k < count; ++k) {
      const bool inside = first + k >= 0 && first + k < extent;
      const float of_tap = weight_of(axis, k, inside);
      if (k < kept) weight[k] = of_tap;
      sum += of_tap;
      counted += inside || !axis.drops_outside;
    }
    factor = axis.antialiased || counted != count ? 1 / sum : 1.f;
    for (int k = 0; k < kept && k < count; ++k) weight[k] *= factor;
  }

  /// A source position, relative to the crop's first pixel, and its weight: 0 outside of the image if the
  /// method drops such taps.
  struct weighted {
    std::uint32_t at;
    float weight;
  };
  PRETEXT_HOST_DEVICE weighted tap(const axis_resampling& axis, int k) const {
    const auto extent = static_cast<std::int32_t>(axis.axis.extent);
    const std::int32_t at = first + k, clamped = at < 0 ? 0 : at < extent ? at : extent - 1;
    return {static_cast<std::uint32_t>(clamped), k < kept ? weight[k] : weight_of(axis, k, clamped == at)};
  }

  /// The first and the last source position that is read, within [0, extent).
  PRETEXT_HOST_DEVICE std::int32_t first_read() const { return first > 0 ? first : 0; }
  PRETEXT_HOST_DEVICE std::int32_t last_read(std::int32_t extent) const {
    const std::int32_t last = first + count - 1;
    return last < 0 ? 0 : last < extent ? last : extent - 1;
  }

 private:
  /// Not inlined, so that the loops over taps, which seldom call it, need few registers.
  __attribute__((noinline)) PRETEXT_HOST_DEVICE float weight_of(const axis_resampling& axis, int k,
                                                                bool inside) const {
    if (axis.drops_outside && !inside) return 0;
    return axis.weight(start + static_cast<float>(k) * step) * factor;
  }
};

}  // namespace pretext::inline v0_1::grid
