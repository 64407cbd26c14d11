// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1::grid {

/// The taps of one output pixel along one axis. They are computed once per row and column of a view and kept
/// in shared memory, with the weights of the first of them; the weights are divided by their sum if that is
/// not 1 by construction.
struct pixel_taps {
  static constexpr int kept = 8;  ///< as many as cubic resampling to half the size has
  std::int32_t first, count;
  float start, step, divisor;
  float weight[kept];

  /// Computes the taps of output pixel `index`.
  PRETEXT_HOST_DEVICE void set(const axis_resampling& axis, std::int64_t index) {
    const auto window = axis(index);
    int counted = 0;
    float sum = 0;
    for (int k = 0; k < window.count; ++k) {
      const auto tap = axis(window, k);
      if (k < kept) weight[k] = tap.counts ? tap.weight : 0.f;
      if (!tap.counts) continue;
      sum += tap.weight;
      ++counted;
    }
    first = static_cast<std::int32_t>(window.first);
    count = window.count;
    start = window.start;
    step = window.step;
    divisor = axis.antialiased || counted != window.count ? sum : 1.f;
    if (divisor == 1) return;
#ifdef __CUDA_ARCH__
#pragma unroll 1  // unrolled divisions need many registers
#endif
    for (int k = 0; k < kept && k < count; ++k) weight[k] /= divisor;
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
  PRETEXT_HOST_DEVICE float weight_of(const axis_resampling& axis, int k, bool inside) const {
    if (axis.drops_outside && !inside) return 0;
    return axis.weight(start + static_cast<float>(k) * step) / divisor;
  }
};

}  // namespace pretext::inline v0_1::grid
