#pragma once
// cuBLASLt's epilogues and cuDNN's products with GELU as plain loops: the emulated device has them for the
// same cases.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <limits>
#include <span>
#include <type_traits>

#include <pretext/core/bfloat16.hpp>
#include <pretext/kernels/gelu.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/convolution.hpp>
#include <pretext/kernels/gpu/gemm/fused_gelu.hpp>
#include <pretext/kernels/gpu/gemm/fused_product.hpp>
#include <pretext/kernels/linear.hpp>

#include "emulated.hpp"

namespace pretext::tests {

/// How many products of this thread have run with an epilogue.
inline std::size_t& fused_products() {
  static thread_local std::size_t count = 0;
  return count;
}
/// How many convolutions of this thread have summed their results.
inline std::size_t& summing_convolutions() {
  static thread_local std::size_t count = 0;
  return count;
}
/// How many products of this thread have run with GELU or its gradient.
inline std::size_t& fused_gelus() {
  static thread_local std::size_t count = 0;
  return count;
}

}  // namespace pretext::tests

namespace pretext::grid {

template <>
struct fused_product<tests::emulated> {
  template <class Context, class T>
  static bool add(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A, const T* B,
                  const T* bias, const T* addend, T* c) {
    if (!has<T>(m * n * k, {n, k}, {A, B, bias, addend, c})) return false;
    tests::emulated::perform(context.stream, [=] {
      poison(c, m * n);  // the previous contents must not be read
      for (std::size_t i = 0; i < m; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          arithmetic<T> sum = addend ? static_cast<arithmetic<T>>(addend[i * n + j]) : 0;
          for (std::size_t l = 0; l < k; ++l)
            sum += static_cast<arithmetic<T>>(A[i * k + l]) * static_cast<arithmetic<T>>(B[j * k + l]);
          c[i * n + j] = static_cast<T>(bias ? sum + static_cast<arithmetic<T>>(bias[j]) : sum);
        }
    });
    return true;
  }

  template <class Context, class T, class W>
  static bool sum_columns(Context& context, std::size_t m, std::size_t n, std::size_t k, const T* A,
                          const T* B, W* c, W* sums) {
    if (!has<T>(m * n * k, {m, n}, {A, B, c, sums})) return false;
    tests::emulated::perform(context.stream, [=] {
      for (std::size_t i = 0; i < m; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
          W sum = 0;
          for (std::size_t l = 0; l < k; ++l)
            sum += static_cast<W>(A[l * m + i]) * static_cast<W>(B[l * n + j]);
          c[i * n + j] += sum;
        }
        sums[i] = 0;
        for (std::size_t l = 0; l < k; ++l) sums[i] += static_cast<W>(A[l * m + i]);
      }
    });
    return true;
  }

 private:
  /// Neither in double nor for unaligned rows.
  template <class T>
  static bool has(std::size_t work, std::initializer_list<std::size_t> columns,
                  std::initializer_list<const void*> pointers) {
    bool supported = !std::is_same_v<T, double> && work > 0;
    for (const std::size_t row_length : columns)
      supported = supported && is_vectorizable<T>(row_length, pointers);
    tests::fused_products() += supported;
    return supported;
  }
  template <class T>
  static void poison(T* data, std::size_t count) {
    std::fill_n(data, count, static_cast<T>(std::numeric_limits<arithmetic<T>>::quiet_NaN()));
  }
};

template <>
struct fused_gelu<tests::emulated> {
  template <class Context, class T, class W, class Separately>
  static bool forward(Context& context, const kernels::linear_extents& e, const T* x, const T* w,
                      const W* bias, T* y, T* kept, const Separately&) {
    if (!has<T>(e, {x, w, bias, y, kept})) return false;
    tests::emulated::perform(context.stream, [=] {
      for (std::size_t r = 0; r < e.rows; ++r)
        for (std::size_t o = 0; o < e.out; ++o) {
          double sum = 0;
          for (std::size_t i = 0; i < e.in; ++i)
            sum += static_cast<double>(x[r * e.in + i]) * static_cast<double>(w[o * e.in + i]);
          const T product{static_cast<float>(sum)};
          if (kept) kept[r * e.out + o] = product;
          y[r * e.out + o] =
              T{static_cast<float>(at(static_cast<double>(product) + static_cast<double>(bias[o])).value)};
        }
    });
    return true;
  }

  template <class Context, class T, class W, class Separately>
  static bool backward(Context& context, const kernels::linear_extents& e, const T* dy, const T* w,
                       const T* kept, const W* bias, T* dx, W*, const Separately&) {
    if (!has<T>(e, {dy, w, kept, bias, dx})) return false;
    tests::emulated::perform(context.stream, [=] {
      for (std::size_t r = 0; r < e.rows; ++r)
        for (std::size_t i = 0; i < e.in; ++i) {
          double sum = 0;
          for (std::size_t o = 0; o < e.out; ++o)
            sum += static_cast<double>(dy[r * e.out + o]) * static_cast<double>(w[o * e.in + i]);
          const double before = static_cast<double>(kept[r * e.in + i]) + static_cast<double>(bias[i]);
          dx[r * e.in + i] = T{static_cast<float>(sum * at(before).slope)};
        }
    });
    return true;
  }

 private:
  static kernels::gelu_point<double> at(double x) { return kernels::gelu_at(x, std::exp(-x * x / 2)); }
  template <class T>
  static bool has(const kernels::linear_extents& e, std::initializer_list<const void*> tensors) {
    const bool supported = std::is_same_v<T, bfloat16> && e.rows > 0 && is_vectorizable<T>(e.in, tensors) &&
                           is_vectorizable<T>(e.out, tensors);
    tests::fused_gelus() += supported;
    return supported;
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

/// Convolutions that sum their results, of bfloat16.
template <>
struct convolution<tests::emulated> : grid::implicit_gemm<tests::emulated> {
  static constexpr bool sums_results = true;

  template <class Context, class T, class W, class Separately>
  static bool forward_with_sums(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                                const T* w, T* y, W* sums, std::span<W>, const Separately&) {
    if (!std::is_same_v<T, bfloat16>) return false;
    forward(context, e, batch, x, w, y);
    const std::size_t rows = batch * e.out_height() * e.out_width(), columns = e.out;
    tests::emulated::perform(context.stream, [=] {
      for (std::size_t c = 0; c < columns; ++c) {
        double sum = 0, squares = 0;
        for (std::size_t r = 0; r < rows; ++r) {
          const auto value = static_cast<double>(y[r * columns + c]);
          sum += value;
          squares += value * value;
        }
        sums[c] = static_cast<W>(sum);
        sums[columns + c] = static_cast<W>(squares);
      }
    });
    ++tests::summing_convolutions();
    return true;
  }
};

}  // namespace pretext::kernels
