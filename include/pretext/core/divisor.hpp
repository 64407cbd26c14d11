// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// Division by a value that is used many times: a multiplication and two shifts, because GPUs have no
/// instruction for integer division. Exact for all 32-bit dividends (Granlund & Montgomery 1994, fig. 4.1).
class divisor {
 public:
  /// `value` is less than 2³²; 0 is replaced by 1.
  constexpr explicit divisor(std::size_t value) : value_{value > 0 ? static_cast<std::uint32_t>(value) : 1} {
    std::uint64_t power = 1;
    unsigned log = 0;
    for (; power < value_; power *= 2) ++log;
    multiplier_ = static_cast<std::uint32_t>(((power - value_) << 32) / value_ + 1);
    first_shift_ = log > 0 ? 1 : 0;
    last_shift_ = log > 0 ? log - 1 : 0;
  }

  PRETEXT_HOST_DEVICE constexpr std::uint32_t value() const { return value_; }
  PRETEXT_HOST_DEVICE constexpr std::uint32_t quotient(std::uint32_t n) const {
    const auto upper = static_cast<std::uint32_t>(std::uint64_t{multiplier_} * n >> 32);
    return (upper + ((n - upper) >> first_shift_)) >> last_shift_;
  }

 private:
  std::uint32_t value_, multiplier_ = 0, first_shift_ = 0, last_shift_ = 0;
};

}  // namespace pretext::inline v0_1
