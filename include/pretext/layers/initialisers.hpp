#pragma once
#include <cstddef>

#include <pretext/core/constexpr_math.hpp>
#include <pretext/core/parameter.hpp>

namespace pretext {

/// How a linear layer starts: torch's default, U(±1/√fan_in); N(0, 0.01) as in SimCLR's official head; Glorot
/// & Bengio's uniform (2010), as in MAE; timm's N(0, 0.02) cut off at two deviations.
struct torch_default {
  static constexpr initialiser weight(std::size_t in, std::size_t) {
    return initialiser::uniform(1 / detail::square_root(double(in)));
  }
  static constexpr initialiser constant(std::size_t in) {
    return initialiser::uniform(1 / detail::square_root(double(in)));
  }
};
struct normal_hundredth {
  static constexpr initialiser weight(std::size_t, std::size_t) { return initialiser::normal(0.01); }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

struct xavier_uniform {
  static constexpr initialiser weight(std::size_t in, std::size_t out) {
    return initialiser::uniform(detail::square_root(6.0 / double(in + out)));
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};
struct truncated_normal_fiftieth {
  static constexpr initialiser weight(std::size_t, std::size_t) {
    return initialiser::truncated_normal(0.02);
  }
  static constexpr initialiser constant(std::size_t) { return initialiser::constant(0); }
};

}  // namespace pretext
