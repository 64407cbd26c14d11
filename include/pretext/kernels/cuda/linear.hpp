#pragma once
#include <cstddef>

#include <pretext/kernels/cuda/gelu.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/linear.hpp>

namespace pretext::grid {

/// What surrounds a product: y = shortcut + keep·(y + bias).
template <class T>
struct surround {
  std::size_t columns;
  kernels::linear_sum<T> sum;
  T* y;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    T value = y[i];
    if (sum.bias) value += sum.bias[i % columns];
    if (sum.keep) value *= sum.keep[i / columns / sum.tokens];
    if (sum.shortcut) value += sum.shortcut[i];
    y[i] = value;
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

/// A product, and one pass for what follows it. cuBLASLt's own GELU is the tanh form, ours and MAE's is the
/// exact one.
template <Accelerator Device>
struct linear<Device> {
  template <class Place, class T>
  static void forward(Place& place, const linear_extents& e, const T* x, const T* w, const linear_sum<T>& sum,
                      T* y) {
    gemm<Device>::run(place, op::as_is, op::transposed, e.rows, e.out, e.in, x, w, y, into::overwrite);
    if (sum.bias || sum.shortcut || sum.keep)
      grid::each_number(place, e.rows * e.out, grid::surround<T>{e.out, sum, y});
  }

  template <class Place, class T>
  static void forward_gelu(Place& place, const linear_extents& e, const T* x, const T* w, const T* bias, T* y,
                           T* slope) {
    T* const product = slope ? slope : y;
    gemm<Device>::run(place, op::as_is, op::transposed, e.rows, e.out, e.in, x, w, product, into::overwrite);
    gelu<Device>::forward(place, e.rows, e.out, static_cast<const T*>(product), bias, y, slope);
  }

  template <class Place, class T>
  static void backward_gelu(Place& place, const linear_extents& e, const T* dy, const T* w, const T* slope,
                            T* dx, T* dbias) {
    gemm<Device>::run(place, op::as_is, op::as_is, e.rows, e.in, e.out, dy, w, dx, into::overwrite);
    gelu<Device>::backward(place, e.rows, e.in, slope, static_cast<const T*>(dx), dx, dbias);
  }
};

}  // namespace pretext::kernels
