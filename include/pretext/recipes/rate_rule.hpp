// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// How a peak learning rate follows the batch.
enum class rate_scaling : std::uint8_t {
  constant,
  square_root,  ///< rate · √(images / batch): LARS and AdamW, and SGD of small batches
  linear,       ///< rate · images / batch (Goyal et al. 2017): the papers' rule for large batches
};

/// A peak learning rate that was found with `batch` images a step, and the rule that carries it to other
/// batches.
struct rate_rule {
  double rate = 0.1;
  std::size_t batch = 256;
  rate_scaling scaling = rate_scaling::linear;
  double largest = 1e9;  ///< the rate is never above

  /// The peak learning rate with so many images a step.
  double operator()(std::size_t images) const {
    const double ratio = static_cast<double>(images) / static_cast<double>(batch);
    const double scaled = rate * (scaling == rate_scaling::linear        ? ratio
                                  : scaling == rate_scaling::square_root ? std::sqrt(ratio)
                                                                         : 1);
    return scaled < largest ? scaled : largest;
  }
  friend constexpr bool operator==(const rate_rule&, const rate_rule&) = default;
};

}  // namespace pretext::inline v0_1
