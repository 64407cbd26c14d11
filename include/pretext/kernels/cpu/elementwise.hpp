#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext::kernels {
namespace detail {

/// `work(begin, end)` over [0, n) in runs that a thread takes at a time, each compiled for the best
/// instructions.
template <class Place, class Work>
void each_run(Place& place, std::size_t n, const Work& work) {
  place.stream.for_each_run(n, std::size_t{1} << 15, [&](std::size_t first, std::size_t last) {
    vectorised([&] { work(first, last); });
  });
}

}  // namespace detail

template <>
struct relu<cpu> {
  template <class Place, class T>
  static void forward(Place& place, std::size_t n, const T* x, T* y) {
    detail::each_run(place, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] = x[i] < T{0} ? T{0} : x[i];
    });
  }
  template <class Place, class T>
  static void backward(Place& place, std::size_t n, const T* y, const T* dy, T* dx) {
    detail::each_run(place, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) dx[i] = y[i] > T{0} ? dy[i] : T{0};
    });
  }
};

template <>
struct blend<cpu> {
  template <class Place, class T>
  static void axpy(Place& place, std::size_t n, T a, const T* x, T* y) {
    detail::each_run(place, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] += a * x[i];
    });
  }
  template <class Place, class T>
  static void lerp(Place& place, std::size_t n, T a, const T* x, T* y) {
    detail::each_run(place, n, [=](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) y[i] = a * y[i] + (T{1} - a) * x[i];
    });
  }
  template <class Place, class T>
  static void copy(Place& place, std::size_t n, const T* x, T* y) {
    detail::each_run(place, n,
                     [=](std::size_t first, std::size_t last) { std::copy(x + first, x + last, y + first); });
  }
};

template <>
struct row_bias<cpu> {
  template <class Place, class T>
  static void add(Place& place, std::size_t rows, std::size_t columns, const T* bias, T* y) {
    place.stream.for_each_run(rows, 64, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t r = first; r < last; ++r)
          for (std::size_t c = 0; c < columns; ++c) y[r * columns + c] += bias[c];
      });
    });
  }
  template <class Place, class T>
  static void sum(Place& place, std::size_t rows, std::size_t columns, const T* dy, T* dbias) {
    T* const totals[] = {dbias};
    detail::sum_columns(place, rows, columns, totals, [=](std::size_t first, std::size_t last, T* partial) {
      for (std::size_t r = first; r < last; ++r)
        for (std::size_t c = 0; c < columns; ++c) partial[c] += dy[r * columns + c];
    });
  }
};

}  // namespace pretext::kernels
