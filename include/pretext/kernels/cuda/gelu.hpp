#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/cuda/column_sums.hpp>
#include <pretext/kernels/gelu.hpp>

namespace pretext::grid {

/// y = gelu(x + bias) and its slope; x may be either of them.
template <class T>
struct gelu_forward {
  std::size_t columns;
  const T *x, *bias;
  T *y, *slope;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const T at = bias ? x[i] + bias[i % columns] : x[i];
    const auto point = kernels::gelu_at(at, std::exp(T(-0.5) * at * at));
    y[i] = point.value;
    if (slope) slope[i] = point.slope;
  }
};

/// dx = slope∘dy, and its sum over the rows.
template <class T>
struct gelu_backward {
  std::size_t columns;
  const T *slope, *dy;
  T* dx;

  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, T (&term)[1]) const {
    const std::size_t at = r * columns + c;
    term[0] = dx[at] = slope[at] * dy[at];
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct gelu<Device> {
  template <class Place, class T>
  static void forward(Place& place, std::size_t rows, std::size_t columns, const T* x, const T* bias, T* y,
                      T* slope) {
    grid::each_number(place, rows * columns, grid::gelu_forward<T>{columns, x, bias, y, slope});
  }
  template <class Place, class T>
  static void backward(Place& place, std::size_t rows, std::size_t columns, const T* slope, const T* dy,
                       T* dx, T* dbias) {
    T* const totals[] = {dbias};
    grid::add_column_sums(place, rows, columns, totals, grid::gelu_backward<T>{columns, slope, dy, dx});
  }
};

}  // namespace pretext::kernels
