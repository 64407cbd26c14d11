// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// Newton's square root, for constant expressions: std::sqrt is not constexpr.
constexpr double square_root(double x) {
  double root = x < 1 ? 1 : x;
  for (int i = 0; i < 100; ++i) root = (root + x / root) / 2;
  return x == 0 ? 0 : root;
}
}  // namespace detail

}  // namespace pretext::inline v0_1
