// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::grid {

/// Products of linear layers that a library fuses with GELU, for devices with such a library. Each returns
/// whether it ran; if it returns false, the caller uses separate kernels. `separately` runs these: an
/// implementation may compare both.
///
///   forward(context, extents, const T* x, const T* w, const W* bias, T* y, T* kept, separately)
///       as kernels::linear::forward_gelu
///   backward(context, extents, const T* dy, const T* w, const T* kept, const W* bias, T* dx, W* dbias,
///            separately)
///       as kernels::linear::backward_gelu, but only `separately` adds to dbias
template <class Device>
struct fused_gelu {
  template <class Context, class... Arguments>
  static bool forward(Context&, const Arguments&...) {
    return false;
  }
  template <class Context, class... Arguments>
  static bool backward(Context&, const Arguments&...) {
    return false;
  }
};

}  // namespace pretext::inline v0_1::grid
