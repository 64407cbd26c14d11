#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Normalises each row of (rows, columns) to mean 0 and variance 1 (Ba et al. 2016). `inverse` is
/// 1/√(variance + ε), one number per row, as is `mean`; both may be null where no backward pass follows.
///   forward(place, rows, columns, const T* x, W epsilon, const W* gamma, const W* beta, T* y, W* mean,
///           W* inverse)
///   backward(place, rows, columns, const T* dy, const T* x, const W* mean, const W* inverse, const W* gamma,
///            const T* shortcut, T* dx, W* dgamma, W* dbeta)
///     dx = shortcut + the gradient; shortcut may be null and may be dx itself, dx may be null
template <class Device>
struct layer_norm : missing<Device> {};

}  // namespace pretext::kernels
