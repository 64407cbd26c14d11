// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1::kernels {

/// A residual sum of (rows, columns); every `tokens` rows belong to one sample.
struct scaled_sum_extents {
  std::size_t rows, columns, tokens = 1;
};

/// A residual sum whose branch has a learned scale per channel (Touvron et al. 2021b, LayerScale), and a
/// scale per sample, unless that is null.
template <class Device>
struct layer_scale : missing<Device> {};

/// The calls that a device's `layer_scale` accepts.
template <class Context, class T = activation_of<Context>, class W = weight_of<Context>,
          class Kernel = layer_scale<device_of<Context>>>
concept LayerScaleKernel = requires(Context& context, const scaled_sum_extents& extents, const T* shortcut,
                                    const T* branch, const W* gamma, const W* branch_scale, const T* dy,
                                    T* out_y, T* out_dbranch, W* dgamma) {
  // y[r, c] = shortcut[r, c] + branch_scale[r/tokens]·gamma[c]·branch[r, c]
  Kernel::forward(context, extents, shortcut, branch, gamma, branch_scale, out_y);
  // dbranch[r, c] = branch_scale·gamma[c]·dy[r, c]; dgamma[c] += Σ_r branch_scale·branch[r, c]·dy[r, c]
  Kernel::backward(context, extents, dy, branch, gamma, branch_scale, out_dbranch, dgamma);
};

}  // namespace pretext::inline v0_1::kernels
