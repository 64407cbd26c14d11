#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// The sum at the end of a residual branch, one pass. `keep` has one factor per sample of `tokens` rows, or
/// is null for 1.
///   add(place, batch, tokens, columns, const T* x, const T* bias, const T* keep, T* y)
///     y = x + keep·(y + bias)
///   scale(place, batch, tokens, columns, const T* keep, const T* dy, T* dbranch)   dbranch = keep·dy
template <class Device>
struct residual_sum : missing<Device> {};

}  // namespace pretext::kernels
