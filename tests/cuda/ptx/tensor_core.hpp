#pragma once
#include <bit>
#include <cmath>
#include <cstdint>

namespace pretext::tests::ptx {

/// Truncates to float, as the additions of tensor cores do.
inline float truncate(double value) {
  const auto nearest = static_cast<float>(value);
  if (!(std::fabs(static_cast<double>(nearest)) > std::fabs(value)) || std::isinf(value)) return nearest;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(nearest) - 1);  // one step towards zero
}

}  // namespace pretext::tests::ptx
