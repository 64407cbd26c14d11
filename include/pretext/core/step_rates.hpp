// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/host_device.hpp>

namespace pretext::inline v0_1 {

/// What an optimizer gets in each step: a learning rate for each group of parameters (`parameter::group`),
/// which groups are frozen in this step, and the weight decay. A frozen group stays as it is: no update, no
/// decay, no momentum, and AdamW counts no step. Made of one number it is the learning rate of all groups.
struct step_rates {
  static constexpr std::size_t groups = 4;
  double learning_rate[groups]{};
  double weight_decay = -1;  ///< negative: the optimizer's own
  std::uint32_t frozen = 0;  ///< bit g: group g is frozen in this step

  constexpr step_rates() = default;
  PRETEXT_HOST_DEVICE constexpr step_rates(double rate) : learning_rate{rate, rate, rate, rate} {}

  /// The learning rate of a group. (A constant index each, so that device code keeps the array in registers.)
  PRETEXT_HOST_DEVICE constexpr double rate(unsigned group) const {
    return group == 0   ? learning_rate[0]
           : group == 1 ? learning_rate[1]
           : group == 2 ? learning_rate[2]
                        : learning_rate[3];
  }
  PRETEXT_HOST_DEVICE constexpr bool is_frozen(unsigned group) const { return (frozen >> group & 1) != 0; }
  constexpr void freeze(unsigned group) { frozen |= std::uint32_t{1} << group; }
  PRETEXT_HOST_DEVICE constexpr double weight_decay_or(double constant) const {
    return weight_decay < 0 ? constant : weight_decay;
  }

  friend constexpr bool operator==(const step_rates&, const step_rates&) = default;
};

static_assert(std::is_trivially_copyable_v<step_rates>);

}  // namespace pretext::inline v0_1
