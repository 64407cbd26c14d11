// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/fixed_string.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// The name of an encoder's classifier in files: an encoder may declare it (timm's ViTs: `head`); otherwise
/// it is `fc`, as in torchvision's ResNets.
template <class Encoder>
inline constexpr auto classifier_name = [] {
  if constexpr (requires { Encoder::classifier; })
    return Encoder::classifier;
  else
    return fixed_string{"fc"};
}();
}  // namespace detail

/// Weights with deviation 2·10⁻⁵ and a bias of zero: MAE's fine-tuning. The official code calls
/// `trunc_normal_`, which truncates at ±2 whatever the deviation, and so draws from a normal distribution.
struct mae_classifier_init {
  static constexpr initialiser weight(std::size_t, std::size_t) { return initialiser::normal(2e-5); }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// One linear layer from the feature (D) to the logits (Classes). MAE's linear probe uses
/// `normal_init<std::ratio<1, 100>>`.
template <std::size_t Classes, class Init = zeros_init>
using linear_classifier = linear<Classes, bias::yes, Init>;

}  // namespace pretext::inline v0_1
