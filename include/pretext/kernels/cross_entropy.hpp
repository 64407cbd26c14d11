#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// Label smoothing (Szegedy et al. 2016): the part `smoothing` of a goal t is spread over all classes.
template <class T>
PRETEXT_HOST_DEVICE constexpr T smoothed(T t, T smoothing, std::size_t classes) {
  return (T{1} - smoothing) * t + smoothing / static_cast<T>(classes);
}

}  // namespace pretext

namespace pretext::kernels {

/// Softmax cross-entropy, -Σ_c t_c log p_c, times `scale`, summed over the rows; adds its gradient to
/// dlogits. Goals are rows of shares of every class, smoothed first, or one class number per row. Rows of
/// logits and goals lie `stride` numbers apart, of which the first `classes` count.
///   loss_value soft(place, rows, stride, classes, double scale, double smoothing, const T* logits,
///               const W* goal, T* dlogits)
///   loss_value hard(place, rows, stride, classes, double scale, const T* logits, const int* labels,
///               T* dlogits)
template <class Device>
struct cross_entropy : missing<Device> {};

}  // namespace pretext::kernels
