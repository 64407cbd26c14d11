#pragma once
#include <cstddef>

#include <pretext/devices/grid.hpp>
#include <pretext/kernels/cuda/column_sums.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext::grid {

template <class T>
struct rectify {
  const T* x;
  T* y;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { y[i] = x[i] < T{0} ? T{0} : x[i]; }
};
template <class T>
struct rectify_backward {
  const T *y, *dy;
  T* dx;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { dx[i] = y[i] > T{0} ? dy[i] : T{0}; }
};
template <class T>
struct add_scaled {
  T a;
  const T* x;
  T* y;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { y[i] += a * x[i]; }
};
template <class T>
struct interpolate {
  T a;
  const T* x;
  T* y;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { y[i] = a * y[i] + (T{1} - a) * x[i]; }
};
template <class T>
struct copy_numbers {
  const T* x;
  T* y;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { y[i] = x[i]; }
};
template <class T>
struct add_to_rows {
  std::size_t columns;
  const T* bias;
  T* y;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { y[i] += bias[i % columns]; }
};
/// One term of a column's sum: the number itself.
template <class T>
struct entry {
  std::size_t columns;
  const T* x;
  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, T (&term)[1]) const {
    term[0] = x[r * columns + c];
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct relu<Device> {
  template <class Place, class T>
  static void forward(Place& place, std::size_t n, const T* x, T* y) {
    grid::each_number(place, n, grid::rectify<T>{x, y});
  }
  template <class Place, class T>
  static void backward(Place& place, std::size_t n, const T* y, const T* dy, T* dx) {
    grid::each_number(place, n, grid::rectify_backward<T>{y, dy, dx});
  }
};

template <Accelerator Device>
struct blend<Device> {
  template <class Place, class T>
  static void axpy(Place& place, std::size_t n, T a, const T* x, T* y) {
    grid::each_number(place, n, grid::add_scaled<T>{a, x, y});
  }
  template <class Place, class T>
  static void lerp(Place& place, std::size_t n, T a, const T* x, T* y) {
    grid::each_number(place, n, grid::interpolate<T>{a, x, y});
  }
  template <class Place, class T>
  static void copy(Place& place, std::size_t n, const T* x, T* y) {
    grid::each_number(place, n, grid::copy_numbers<T>{x, y});
  }
};

template <Accelerator Device>
struct row_bias<Device> {
  template <class Place, class T>
  static void add(Place& place, std::size_t rows, std::size_t columns, const T* bias, T* y) {
    grid::each_number(place, rows * columns, grid::add_to_rows<T>{columns, bias, y});
  }
  template <class Place, class T>
  static void sum(Place& place, std::size_t rows, std::size_t columns, const T* dy, T* dbias) {
    T* const totals[] = {dbias};
    grid::add_column_sums(place, rows, columns, totals, grid::entry<T>{columns, dy});
  }
};

}  // namespace pretext::kernels
