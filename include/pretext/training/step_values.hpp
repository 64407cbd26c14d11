#pragma once

namespace pretext {

/// What the host says of a step before it runs: its learning rate, and the part of itself that a target
/// keeps.
struct step_values {
  double learning_rate = 0, target_momentum = 1;
};

}  // namespace pretext
