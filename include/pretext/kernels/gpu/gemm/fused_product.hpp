// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::grid {

/// Products whose library has an epilogue that saves a separate pass, for devices with such a library. Each
/// returns whether it ran; if it returns false it has written nothing, and the caller uses separate kernels.
///
///   add(context, m, n, k, const T* A, const T* B, const T* bias, const T* addend, T* c)
///       C = addend + A·Bᵀ + bias, rounded once; `bias` (n) and `addend` (m, n) may be null; C overlaps none
///       of them
///   sum_columns(context, m, n, k, const T* A, const T* B, W* c, W* sums)
///       C += Aᵀ·B, and sums (m) = the column sums of A
template <class Device>
struct fused_product {
  template <class Context, class... Arguments>
  static bool add(Context&, const Arguments&...) {
    return false;
  }
  template <class Context, class... Arguments>
  static bool sum_columns(Context&, const Arguments&...) {
    return false;
  }
};

}  // namespace pretext::inline v0_1::grid
