// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/l2_normalize.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// u = z/√max(Σz², 1e-12); returns the factor 1/√….
template <class T>
T normalise_row(const T* z, T* u, std::size_t columns) {
  double squares = 0;
  for (std::size_t c = 0; c < columns; ++c) squares += static_cast<double>(z[c]) * static_cast<double>(z[c]);
  const double inverse = squares <= 1e-12 ? max_inverse_norm : 1 / std::sqrt(squares);  // NaN stays NaN
  for (std::size_t c = 0; c < columns; ++c) u[c] = static_cast<T>(static_cast<double>(z[c]) * inverse);
  return static_cast<T>(inverse);
}

/// Σ a·b in double.
template <class T>
double dot(const T* a, const T* b, std::size_t columns) {
  double sum = 0;
  for (std::size_t c = 0; c < columns; ++c) sum += static_cast<double>(a[c]) * static_cast<double>(b[c]);
  return sum;
}

/// The gradient of `normalise_row`: dz += (du - (u·du)·u)·factor, or du·factor where the factor was clamped.
template <class T>
void add_row_gradient(const T* u, const T* du, T factor, std::size_t columns, T* dz) {
  const T radial = is_clamped(factor) ? T{0} : static_cast<T>(dot(u, du, columns));
  for (std::size_t c = 0; c < columns; ++c) dz[c] += (du[c] - radial * u[c]) * factor;
}

}  // namespace pretext::inline v0_1::kernels::detail
