#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/host_device.hpp>

namespace pretext {

/// A number that many are divided by: a product and two shifts instead of a division, for which GPUs have no
/// instruction. Exact for all numbers of 32 bits (Granlund & Montgomery 1994, fig. 4.1).
class divisor {
 public:
  /// `by` is less than 2³²; 0, by which nobody divides, is taken for 1.
  constexpr explicit divisor(std::size_t by) : by_{by > 0 ? static_cast<std::uint32_t>(by) : 1} {
    std::uint64_t power = 1;
    unsigned log = 0;
    for (; power < by_; power *= 2) ++log;
    factor_ = static_cast<std::uint32_t>(((power - by_) << 32) / by_ + 1);
    first_shift_ = log > 0 ? 1 : 0;
    last_shift_ = log > 0 ? log - 1 : 0;
  }

  PRETEXT_HOST_DEVICE constexpr std::uint32_t value() const { return by_; }
  PRETEXT_HOST_DEVICE constexpr std::uint32_t quotient(std::uint32_t n) const {
    const auto upper = static_cast<std::uint32_t>(std::uint64_t{factor_} * n >> 32);
    return (upper + ((n - upper) >> first_shift_)) >> last_shift_;
  }

 private:
  std::uint32_t by_, factor_ = 0, first_shift_ = 0, last_shift_ = 0;
};

}  // namespace pretext
