#pragma once

namespace pretext::grid {

/// Products that do at their end what would be a pass of its own, on devices whose library has such. Each
/// says whether it did its work; where it did not, nothing was done, and callers have another way.
///   add(place, m, n, k, const T* A, const T* B, const T* bias, const T* beside, T* c)
///     C = beside + A·Bᵀ + bias, rounded once; `bias` (n) and `beside` (m, n) may be null; C overlaps none
///     of them
///   sum_columns(place, m, n, k, const T* A, const T* B, W* c, W* sums)
///     C += Aᵀ·B, and sums (m) = the sums of A's columns
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

}  // namespace pretext::grid
