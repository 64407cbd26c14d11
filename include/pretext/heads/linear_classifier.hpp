#pragma once
#include <pretext/layers/linear.hpp>

namespace pretext {

/// N(0, 2·10⁻⁵) and no bias: MAE's fine-tuning. Its `trunc_normal_` cuts at ±2 whatever the deviation, so
/// nothing off.
struct mae_classifier_init {
  static constexpr initialiser weight(std::size_t, std::size_t) { return initialiser::normal(2e-5); }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// One linear layer from the feature to the logits; `normal_init<std::ratio<1, 100>>` is the start of MAE's
/// linear probe.
template <std::size_t Classes, class Init = zeros_init>
using linear_classifier = linear<Classes, bias::yes, Init>;

}  // namespace pretext
