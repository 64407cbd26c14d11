#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/tile_product.hpp>
#include <pretext/kernels/cpu/tile_shape.hpp>

namespace pretext::kernels::detail {

/// Any processor: vectors of 16 bytes by the compiler's own extension.
template <class T>
struct portable_tile {
  static constexpr std::size_t lanes = 16 / sizeof(T);
  static constexpr std::size_t rows = shape_of_tile<T>(isa::portable).rows;
  static constexpr std::size_t columns = shape_of_tile<T>(isa::portable).columns;
  typedef T vec __attribute__((vector_size(16)));
  typedef T unaligned __attribute__((vector_size(16), aligned(alignof(T)), may_alias));

  static void run(const gathered_product<T>& p) {
    T sum[rows][columns];
    for (std::size_t column = 0; column < columns; column += 2 * lanes) {
      vec left[rows]{}, right[rows]{};
      for (std::size_t tap = 0; tap < p.taps; ++tap) {
        const T* const* a = p.a + tap * rows;
        const T* b = p.b[tap] + column;
        for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
          const vec b0 = *reinterpret_cast<const unaligned*>(b);
          const vec b1 = *reinterpret_cast<const unaligned*>(b + lanes);
#pragma GCC unroll 6
          for (std::size_t r = 0; r < rows; ++r) {
            left[r] += a[r][k] * b0;
            right[r] += a[r][k] * b1;
          }
        }
      }
      keep(left, right, column, sum);
    }
    store_tile(sum, p.c, p.m, p.n, p.accumulate);
  }

  static void run(const outer_product<T>& p) {
    T sum[rows][columns];
    T* c[rows];
    std::size_t at[rows];  // rows past the last repeat it
    for (std::size_t r = 0; r < rows; ++r) {
      at[r] = std::min(r, p.m - 1);
      c[r] = p.c + at[r] * p.c_stride;
    }
    for (std::size_t column = 0; column < columns; column += 2 * lanes) {
      vec left[rows]{}, right[rows]{};
      for (std::size_t i = 0; i < p.count; ++i) {
        const T* a = p.a[i] + p.offset;
        const T* b = p.b + i * p.b_stride + column;
        const vec b0 = *reinterpret_cast<const unaligned*>(b);
        const vec b1 = *reinterpret_cast<const unaligned*>(b + lanes);
#pragma GCC unroll 6
        for (std::size_t r = 0; r < rows; ++r) {
          left[r] += a[at[r]] * b0;
          right[r] += a[at[r]] * b1;
        }
      }
      keep(left, right, column, sum);
    }
    store_tile(sum, c, p.m, p.n, p.accumulate);
  }

 private:
  static void keep(const vec (&left)[rows], const vec (&right)[rows], std::size_t column,
                   T (&sum)[rows][columns]) {
    for (std::size_t r = 0; r < rows; ++r) {
      *reinterpret_cast<unaligned*>(&sum[r][column]) = left[r];
      *reinterpret_cast<unaligned*>(&sum[r][column + lanes]) = right[r];
    }
  }
};

}  // namespace pretext::kernels::detail
