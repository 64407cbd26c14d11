// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/augment/batch_mixing.hpp>
#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

/// How the soft targets of a batch are computed from its labels; the number of classes is the method's.
struct target_options {
  batch_mixing mixing{.mixup = {0}, .cutmix = {0}};
  double smoothing = 0;  ///< label smoothing, in [0, 1); MAE's fine-tuning has 0.1

  /// Throws std::invalid_argument for values out of range.
  void check() const {
    mixing.check();
    expects(0 <= smoothing && smoothing < 1, "target_options: smoothing ", smoothing, " must be in [0, 1)");
  }
};

}  // namespace pretext::inline v0_1
