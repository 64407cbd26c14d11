#pragma once
#include <cstddef>

#include <pretext/kernels/index_list.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Puts a token before those of each sample and adds to each what its place has: x is (batch, count, width),
/// y (batch, 1 + count, width), positions (1 + places, width), its row 0 the first token's.
///   forward(place, batch, width, choice, const T* x, const W* first, const W* positions, T* y)
///     y[n, 0] = first + positions[0],   y[n, 1 + j] = x[n, j] + positions[1 + place of j]
///   backward(place, batch, width, choice, const T* dy, T* dx, W* dfirst, W* dpositions)
///     dx is overwritten, dfirst and dpositions are added to; each may be null
template <class Device>
struct prepend_class_token : missing<Device> {};

/// Mean of the rows [first, first + count) of each sample: (batch, tokens, width) to (batch, width).
///   forward(place, batch, tokens, width, first, count, const T* x, T* y)
///   backward(place, batch, tokens, width, first, count, const T* dy, T* dx)   0 in the other rows
template <class Device>
struct token_mean : missing<Device> {};

}  // namespace pretext::kernels
