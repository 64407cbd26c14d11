#pragma once

namespace pretext {

namespace detail {
/// A root that can be taken while compiling.
constexpr double square_root(double x) {
  double root = x < 1 ? 1 : x;
  for (int i = 0; i < 100; ++i) root = (root + x / root) / 2;
  return x == 0 ? 0 : root;
}
}  // namespace detail

}  // namespace pretext
