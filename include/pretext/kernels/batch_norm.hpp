#pragma once
#include <pretext/kernels/kernel.hpp>

namespace pretext::kernels {

/// Normalises each channel of (rows, channels) over the rows of each of `groups` equal parts (Ioffe & Szegedy
/// 2015). `mean` and `inverse` (1/√(variance + ε)) have one row per group.
///   statistics(place, rows, channels, groups, const T* x, W epsilon, W* mean, W* inverse, W momentum,
///              W* running_mean, W* running_variance)
///   room(place, groups, channels)   a channel_moments in scratch memory, and
///   settle(rows, channels, channel_moments, W epsilon, …)   what `statistics` gives, from moments that
///   whoever
///     wrote x took: where `takes_moments` says that a convolution does
///   apply(place, rows, channels, groups, const T* x, const W* scale, const W* shift, const T* shortcut,
///         bool relu, T* y)
///     y = x·scale + shift (+ shortcut), then max(0, ·) if asked; scale and shift have one row per group,
///     scale may be null
///   backward(place, rows, channels, groups, const T* dy, bool relu, const T* y, const T* x, const W* mean,
///            const W* inverse, const W* gamma, const W* beta, W* dgamma, W* dbeta, T* dx, T* dshortcut)
///     y is the rectified output; null where nothing was added, so that x tells what was rectified. gamma,
///     beta, dgamma, dbeta and dshortcut may be null; dx may be x, and dshortcut may be dy
///   scale_columns(place, rows, columns, const W* w, const W* scale, T* scaled)
template <class Device>
struct batch_norm : missing<Device> {};

}  // namespace pretext::kernels
