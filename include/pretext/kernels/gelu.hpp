// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// x·Φ(x) and its derivative Φ(x) + x·φ(x), where Φ is the standard normal distribution and φ its density
/// (Hendrycks & Gimpel 2016).
template <class T>
struct gelu_point {
  T value, slope;
};

/// Value and slope of GELU at x from e = exp(-x²/2) and t = 1/(1 + |x|·0.3/√2), which each device computes in
/// its own way. Φ(-|x|)/e is a minimax polynomial in t, fitted for |x| < 13.5: relative error 2e-8 before
/// rounding.
PRETEXT_HOST_DEVICE inline gelu_point<float> gelu_at(float x, float e, float t) {
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

/// The same for results in bfloat16, with a shorter polynomial: relative error of Φ(-|x|) 3.3e-5, rounding to
/// bfloat16 2e-3.
PRETEXT_HOST_DEVICE inline gelu_point<float> gelu_for_bfloat16(float x, float e, float t) {
  float tail = 0.388481002f;
  tail = tail * t - 0.506782621f;
  tail = tail * t + 0.511711268f;
  tail = tail * t - 0.0956115293f;
  tail = tail * t + 0.120441934f;
  tail = tail * t + 0.0817434468f;
  tail = tail * t * e;
  const float normal = x < 0 ? tail : 1.0f - tail;
  return {x * normal, normal + x * e * 0.398942280f};
}

/// The denominator 1 + |x|·0.3/√2 of that fraction.
PRETEXT_HOST_DEVICE inline float gelu_denominator(float x) { return 1.0f + 0.212132034f * std::fabs(x); }
/// The same with an exact division.
PRETEXT_HOST_DEVICE inline gelu_point<float> gelu_at(float x, float e) {
  return gelu_at(x, e, 1.0f / gelu_denominator(x));
}

/// The same in double precision, from erfc.
PRETEXT_HOST_DEVICE inline gelu_point<double> gelu_at(double x, double e) {
  const double normal = 0.5 * std::erfc(-0.70710678118654752440 * x);
  return {x * normal, normal + x * e * 0.39894228040143267794};
}

/// y = GELU(x + bias) of (rows, columns), and its backward pass from what the device keeps of it: the
/// derivative or, if its `keeps_input` is true, x.
template <class Device>
struct gelu : missing<Device> {};

/// The calls that a device's `gelu` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = gelu<device_of<Context>>>
concept GeluKernel = requires(Context& context, std::size_t rows, std::size_t columns, const T* x,
                              const W* bias, const T* kept, const T* dy, T* out_y, T* out_kept, T* out_dx,
                              W* dbias) {
  // The bias (columns) and out_kept, what backward needs, may be null; out_kept may be x.
  Kernel::forward(context, rows, columns, x, bias, out_y, out_kept);
  // dx = dy times the derivative at x + bias; dbias += the column sums of dx, unless null; dx may be dy
  Kernel::backward(context, rows, columns, kept, bias, dy, out_dx, dbias);
  // Whether out_kept gets x; a caller that has x at backward may then pass it instead.
  bool{Kernel::keeps_input};
};

}  // namespace pretext::inline v0_1::kernels
