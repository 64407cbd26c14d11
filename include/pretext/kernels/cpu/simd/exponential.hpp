// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels {

namespace detail {
/// e^x for -88 <= x <= 0, within 2 units in the last place where the result is normal; subnormal results may
/// be 0, and at -88 it is 0.
inline float exponential(float x) {
  const auto whole = static_cast<std::int32_t>(x * 1.44269504f - 0.5f);
  const float scale = static_cast<float>(whole);
  const float r = (x - scale * 0.693359375f) + scale * 2.12194440e-4f;  // |r| <= ln(2)/2, without rounding
  float e = 1.0f / 5040;
  e = e * r + 1.0f / 720;
  e = e * r + 1.0f / 120;
  e = e * r + 1.0f / 24;
  e = e * r + 1.0f / 6;
  e = e * r + 0.5f;
  e = e * r + 1.0f;
  e = e * r + 1.0f;
  return e * std::bit_cast<float>((whole + 127) << 23);  // at -88 the exponent's bits are all 0
}
}  // namespace detail

/// e[i] = exp(x[i] - shift(i)) for N elements, where no difference is above 0; 0 below -88. Two loops,
/// because a limit and a polynomial in one loop become branches that compilers do not vectorise.
template <std::size_t N, class Shift>
void negative_exponentials(const float* x, const Shift& shift, float* e) {
  for (std::size_t i = 0; i < N; ++i) {
    const float at = x[i] - shift(i);
    e[i] = at > -88.0f ? at : -88.0f;
  }
  for (std::size_t i = 0; i < N; ++i) e[i] = detail::exponential(e[i]);
}

/// The same in double precision, by std::exp.
template <std::size_t N, class Shift>
void negative_exponentials(const double* x, const Shift& shift, double* e) {
  for (std::size_t i = 0; i < N; ++i) e[i] = std::exp(x[i] - shift(i));
}

}  // namespace pretext::inline v0_1::kernels
