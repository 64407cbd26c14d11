// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Applies a `convolution_epilogue` to the parts of y that a thread has just written. Does nothing if none
/// was requested.
template <class T>
class applied_epilogue {
 public:
  /// `requested` may be null; y has `channels` channels.
  applied_epilogue(const convolution_epilogue<T>* requested, T* y, std::size_t channels)
      : requested_{requested}, y_{y}, channels_{channels} {}

  explicit operator bool() const { return requested_ != nullptr; }

  /// Columns [left, right) of pixels [first, last).
  void apply_rows(std::size_t first, std::size_t last, std::size_t left, std::size_t right) const {
    if (!requested_) return;
    vectorised([=, this] {
      for (std::size_t row = first; row < last; ++row) apply(y_ + row * channels_ + left, left, right - left);
    });
  }

  /// Channels [channel, channel + count) of the pixel whose values there start at `at`; for callers
  /// that are `vectorised`.
  void apply(T* at, std::size_t channel, std::size_t count) const {
    const T* const shortcut = requested_->shortcut;
    const T floor = requested_->relu ? T{0} : -pretext::detail::infinity<T>;
    if (shortcut)
      add(at, requested_->shift + channel, shortcut + (at - y_), count, floor);
    else
      add(at, requested_->shift + channel, count, floor);
  }

 private:
  static void add(T* __restrict y, const T* __restrict shift, const T* __restrict shortcut, std::size_t count,
                  T floor) {
    for (std::size_t c = 0; c < count; ++c) y[c] = std::max(y[c] + shift[c] + shortcut[c], floor);
  }
  static void add(T* __restrict y, const T* __restrict shift, std::size_t count, T floor) {
    for (std::size_t c = 0; c < count; ++c) y[c] = std::max(y[c] + shift[c], floor);
  }

  const convolution_epilogue<T>* requested_;
  T* y_;
  std::size_t channels_;
};

}  // namespace pretext::inline v0_1::kernels::detail
