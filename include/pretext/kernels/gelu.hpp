#pragma once
#include <cmath>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// x·Φ(x) and its derivative Φ(x) + x·φ(x), Φ and φ being the normal distribution and its density
/// (Hendrycks & Gimpel 2016).
template <class T>
struct gelu_point {
  T value, slope;
};

/// Both from e = exp(-x²/2), which devices compute in ways of their own. Φ(-|x|)/e is a minimax polynomial in
/// 1/(1 + |x|·0.3/√2), fitted by us for |x| < 13.5: relative error 2e-8 before rounding.
PRETEXT_HOST_DEVICE inline gelu_point<float> gelu_at(float x, float e) {
  const float t = 1.0f / (1.0f + 0.212132034f * std::fabs(x));
  float tail = -0.064728919064f;
  tail = tail * t + 0.24261069574f;
  tail = tail * t - 0.25575409491f;
  tail = tail * t + 0.27337518545f;
  tail = tail * t - 0.046952476133f;
  tail = tail * t + 0.1072839697f;
  tail = tail * t + 0.074221931588f;
  tail = tail * t + 0.085349107927f;
  tail = tail * t + 0.084594589965f;
  tail = tail * t * e;
  const float negative = 0.5f - std::copysign(0.5f, x);  // 1 or 0, and no branch
  const float normal = negative * tail + (1.0f - negative) * (1.0f - tail);
  return {x * normal, normal + x * e * 0.398942280f};
}

PRETEXT_HOST_DEVICE inline gelu_point<double> gelu_at(double x, double e) {
  const double normal = 0.5 * std::erfc(-0.70710678118654752440 * x);
  return {x * normal, normal + x * e * 0.39894228040143267794};
}

/// y = gelu(x + bias) for each row of (rows, columns); bias may be null. `slope` gets the derivative at the
/// same places, or is null; it may be x itself.
///   forward(place, rows, columns, const T* x, const W* bias, T* y, T* slope)
///   backward(place, rows, columns, const T* slope, const T* dy, T* dx, W* dbias)   dbias += sums over rows,
///     unless it is null; dx may be dy itself
template <class Device>
struct gelu : missing<Device> {};

}  // namespace pretext::kernels
