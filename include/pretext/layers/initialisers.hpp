// SPDX-License-Identifier: MIT
#pragma once
// Initialisers of linear layers, as policies: `weight(in, out)` and `constant(in)` (the bias) return how each
// tensor is drawn. Standard deviations are std::ratio because they are part of a layer's type and clang 14
// takes no floating-point template arguments.
#include <cstddef>
#include <ratio>

#include <pretext/core/constexpr_math.hpp>
#include <pretext/core/parameter.hpp>

namespace pretext::inline v0_1 {

/// PyTorch's default for linear layers: weights and bias from U(±1/√in).
struct torch_init {
  static constexpr initialiser weight(std::size_t in, std::size_t) {
    return initialiser::uniform(1 / detail::square_root(double(in)));
  }
  static constexpr initialiser constant(std::size_t in) {
    return initialiser::uniform(1 / detail::square_root(double(in)));
  }
};

/// Xavier uniform (Glorot & Bengio 2010), U(±√(6/(in + out))), and a bias of zero: MAE's transformers.
struct xavier_uniform {
  static constexpr initialiser weight(std::size_t in, std::size_t out) {
    return initialiser::uniform(detail::square_root(6.0 / double(in + out)));
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// Kaiming normal for ReLUs (He et al. 2015), N(0, 2/in), and a bias of zero.
struct kaiming_normal {
  static constexpr initialiser weight(std::size_t in, std::size_t) {
    return initialiser::normal(detail::square_root(2 / double(in)));
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// Weights from N(0, Deviation²) and a bias of zero: `normal_init<std::ratio<1, 100>>` in SimCLR's official
/// head.
template <class Deviation>
struct normal_init {
  static constexpr initialiser weight(std::size_t, std::size_t) {
    return initialiser::normal(double(Deviation::num) / double(Deviation::den));
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// The same, cut off at two standard deviations: `truncated_normal_init<std::ratio<1, 50>>` in timm's ViTs.
template <class Deviation>
struct truncated_normal_init {
  static constexpr initialiser weight(std::size_t, std::size_t) {
    return initialiser::truncated_normal(double(Deviation::num) / double(Deviation::den));
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

/// Weights and bias of zero: SimCLR's logits layer.
struct zeros_init {
  static constexpr initialiser weight(std::size_t, std::size_t) { return initialiser::constant(0); }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

}  // namespace pretext::inline v0_1
