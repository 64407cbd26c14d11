#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// forward(place, n, const T* x, T* y)   backward(place, n, const T* y, const T* dy, T* dx)
template <class Device>
struct relu : missing<Device> {};

/// y += a·x   and   y = a·y + (1-a)·x, the exponential moving average; and copies, which round where T has
/// fewer digits.
///   axpy(place, n, W a, const T* x, T* y)   lerp(place, n, W a, const T* x, T* y)
///   copy(place, n, const T* x, T* y)   copy(place, n, const W* x, T* y)
template <class Device>
struct elementwise : missing<Device> {};

/// y[r,c] += bias[c] for every row; and its gradient, dbias[c] += sum over rows.
///   add(place, rows, columns, const W* bias, T* y)   sum(place, rows, columns, const T* dy, W* dbias)
template <class Device>
struct channel_bias : missing<Device> {};

}  // namespace pretext::kernels
