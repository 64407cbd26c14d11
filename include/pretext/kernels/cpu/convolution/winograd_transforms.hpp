// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/cpp20.hpp>

// Winograd's F(4x4, 3x3) (Lavin & Gray 2015, §4.3): Y = Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A computes 4x4 results of a
// 3x3 kernel from 6x6 inputs with 36 multiplications instead of 144. Each `…_line` below multiplies a row or
// column, of `lanes` channels at a time, by one of the matrices A, B, G or its transpose.
namespace pretext::inline v0_1::kernels::detail::winograd {

template <class T>
inline constexpr std::size_t lanes = 64 / sizeof(T);  ///< channels that are transformed together
inline constexpr std::size_t tile_out = 4;            ///< rows and columns of a tile's result
inline constexpr std::size_t tile_in = 6;             ///< rows and columns of a tile's input
inline constexpr std::size_t products = tile_in * tile_in;

/// Bᵀ: 6 pixels.
struct input_line {
  static constexpr std::size_t from = 6, to = 6;
  template <class T>
  static void run(const T (&d)[from], T (&v)[to]) {
    const T even = d[4] - 4 * d[2], odd = d[3] - 4 * d[1];
    const T even_half = d[4] - d[2], odd_half = 2 * (d[3] - d[1]);
    v[0] = 4 * d[0] - 5 * d[2] + d[4];
    v[1] = even + odd;
    v[2] = even - odd;
    v[3] = even_half + odd_half;
    v[4] = even_half - odd_half;
    v[5] = 4 * d[1] - 5 * d[3] + d[5];
  }
};

/// Aᵀ: 4 results.
struct output_line {
  static constexpr std::size_t from = 6, to = 4;
  template <class T>
  static void run(const T (&m)[from], T (&y)[to]) {
    const T sum = m[1] + m[2], difference = m[1] - m[2];
    const T sum_two = m[3] + m[4], difference_two = m[3] - m[4];
    y[0] = m[0] + sum + sum_two;
    y[1] = difference + 2 * difference_two;
    y[2] = sum + 4 * sum_two;
    y[3] = difference + 8 * difference_two + m[5];
  }
};

/// A: the adjoint of `output_line`.
struct output_gradient_line {
  static constexpr std::size_t from = 4, to = 6;
  template <class T>
  static void run(const T (&y)[from], T (&m)[to]) {
    const T even = y[0] + y[2], odd = y[1] + y[3];
    const T even_two = y[0] + 4 * y[2], odd_two = 2 * y[1] + 8 * y[3];
    m[0] = y[0];
    m[1] = even + odd;
    m[2] = even - odd;
    m[3] = even_two + odd_two;
    m[4] = even_two - odd_two;
    m[5] = y[3];
  }
};

/// G: 3 weights.
struct weight_line {
  static constexpr std::size_t from = 3, to = 6;
  template <class T>
  static void run(const T (&g)[from], T (&u)[to]) {
    const T outer = (g[0] + g[2]) * (T{-1} / 6), inner = g[1] * (T{1} / 6);
    const T outer_two = g[0] * (T{1} / 24) + g[2] * (T{1} / 6), inner_two = g[1] * (T{1} / 12);
    u[0] = g[0] * (T{1} / 4);
    u[1] = outer - inner;
    u[2] = outer + inner;
    u[3] = outer_two + inner_two;
    u[4] = outer_two - inner_two;
    u[5] = g[2];
  }
};

/// Gᵀ: the adjoint of `weight_line`.
struct weight_gradient_line {
  static constexpr std::size_t from = 6, to = 3;
  template <class T>
  static void run(const T (&u)[from], T (&g)[to]) {
    const T sum = (u[1] + u[2]) * (T{-1} / 6), sum_two = u[3] + u[4];
    g[0] = u[0] * (T{1} / 4) + sum + sum_two * (T{1} / 24);
    g[1] = (u[2] - u[1]) * (T{1} / 6) + (u[3] - u[4]) * (T{1} / 12);
    g[2] = sum + sum_two * (T{1} / 6) + u[5];
  }
};

/// L X Lᵀ of a square X of pixels, `lanes` channels at once, where L is the matrix of `Line`. `source(i, j)`
/// points to the channels of X at (i, j), `sink(i, j)` to those of the result, or is null; `accumulate` adds
/// to the result.
template <class Line, class T, class Source, class Sink>
void transform_2d(const Source& source, const Sink& sink, bool accumulate = false) {
  constexpr std::size_t width = lanes<T>;
  alignas(64) T half[Line::to][Line::from][width];
  for (std::size_t j = 0; j < Line::from; ++j) {
    const T* at[Line::from];
#pragma GCC unroll 6
    for (std::size_t i = 0; i < Line::from; ++i) at[i] = source(i, j);
    for (std::size_t lane = 0; lane < width; ++lane) {
      T in[Line::from], out[Line::to];
#pragma GCC unroll 6
      for (std::size_t i = 0; i < Line::from; ++i) in[i] = at[i][lane];
      Line::run(in, out);
#pragma GCC unroll 6
      for (std::size_t i = 0; i < Line::to; ++i) half[i][j][lane] = out[i];
    }
  }
  for (std::size_t i = 0; i < Line::to; ++i) {
    alignas(64) T row[Line::to][width];
    for (std::size_t lane = 0; lane < width; ++lane) {
      T in[Line::from], out[Line::to];
#pragma GCC unroll 6
      for (std::size_t j = 0; j < Line::from; ++j) in[j] = half[i][j][lane];
      Line::run(in, out);
#pragma GCC unroll 6
      for (std::size_t j = 0; j < Line::to; ++j) row[j][lane] = out[j];
    }
    for (std::size_t j = 0; j < Line::to; ++j) {
      T* to = sink(i, j);
      if (!to) continue;
      if (accumulate)
        for (std::size_t lane = 0; lane < width; ++lane) to[lane] += row[j][lane];
      else
        for (std::size_t lane = 0; lane < width; ++lane) to[lane] = row[j][lane];
    }
  }
}

}  // namespace pretext::inline v0_1::kernels::detail::winograd
