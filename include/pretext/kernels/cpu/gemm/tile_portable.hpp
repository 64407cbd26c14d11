// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pretext/kernels/cpu/gemm/tile_product.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The operations of the portable tiles on one element type: 16-byte vectors of the compiler's extension.
template <class T>
struct portable {
  typedef T vec __attribute__((vector_size(16)));
  typedef T unaligned __attribute__((vector_size(16), aligned(alignof(T)), may_alias));
  using operands = vec;
  [[gnu::always_inline]] static inline operands load(const T* p) {
    return *reinterpret_cast<const unaligned*>(p);
  }
  [[gnu::always_inline]] static inline void store(T* p, vec v) { *reinterpret_cast<unaligned*>(p) = v; }
  [[gnu::always_inline]] static inline vec multiply_add(T a, operands b, vec c) { return c + a * b; }
};

template <>
struct portable<bfloat16_pair> : portable<float> {
  typedef std::uint32_t operands __attribute__((vector_size(16)));
  [[gnu::always_inline]] static inline operands load(const bfloat16_pair* p) {
    operands pairs;
    std::memcpy(&pairs, p, sizeof pairs);
    return pairs;
  }
  [[gnu::always_inline]] static inline vec multiply_add(bfloat16_pair a, operands b, vec c) {
    const float first = std::bit_cast<float>(a.bits << 16), second = std::bit_cast<float>(a.bits & ~0xffffu);
    const operands low = b << 16, high = b & ~0xffffu;
    c = c + second * reinterpret_cast<vec>(high);
    return c + first * reinterpret_cast<vec>(low);
  }
};

/// For any processor: six rows of two vectors, a part of the columns at a time.
template <class Operand>
struct portable_tile {
  using simd = portable<Operand>;
  using value_type = sum_of<Operand>;
  using vec = typename simd::vec;
  using operands = typename simd::operands;
  static constexpr std::size_t lanes = 16 / sizeof(Operand);
  static constexpr std::size_t rows = shape_of_tile<Operand>(isa::portable).rows;
  static constexpr std::size_t columns = shape_of_tile<Operand>(isa::portable).columns;

  [[gnu::noinline]] static void run(const gathered_product<Operand>& p) {
    value_type sum[rows][columns];
    for (std::size_t column = 0; column < columns; column += 2 * lanes) {
      vec left[rows]{}, right[rows]{};
      for (std::size_t tap = 0; tap < p.taps; ++tap) {
        const Operand* const* a = p.a + tap * rows;
        const Operand* b = p.b[tap] + column;
        for (std::size_t k = 0; k < p.depth; ++k, b += columns) {
          const operands b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 6
          for (std::size_t r = 0; r < rows; ++r) {
            left[r] = simd::multiply_add(a[r][k], b0, left[r]);
            right[r] = simd::multiply_add(a[r][k], b1, right[r]);
          }
        }
      }
      store_columns(left, right, column, sum);
    }
    store_tile(sum, p.c, p.m, p.n, p.accumulate);
  }

  [[gnu::noinline]] static void run(const outer_product<Operand>& p) {
    value_type sum[rows][columns];
    value_type* c[rows];
    std::size_t at[rows];  // rows past the last repeat it
    for (std::size_t r = 0; r < rows; ++r) {
      at[r] = std::min(r, p.m - 1);
      c[r] = p.c + at[r] * p.c_stride;
    }
    for (std::size_t column = 0; column < columns; column += 2 * lanes) {
      vec left[rows]{}, right[rows]{};
      for (std::size_t i = 0; i < p.count; ++i) {
        const Operand* a = p.a[i] + p.offset;
        const Operand* b = p.b + i * p.b_stride + column;
        const operands b0 = simd::load(b), b1 = simd::load(b + lanes);
#pragma GCC unroll 6
        for (std::size_t r = 0; r < rows; ++r) {
          left[r] = simd::multiply_add(a[at[r]], b0, left[r]);
          right[r] = simd::multiply_add(a[at[r]], b1, right[r]);
        }
      }
      store_columns(left, right, column, sum);
    }
    store_tile(sum, c, p.m, p.n, p.accumulate);
  }

 private:
  static void store_columns(const vec (&left)[rows], const vec (&right)[rows], std::size_t column,
                            value_type (&sum)[rows][columns]) {
    for (std::size_t r = 0; r < rows; ++r) {
      simd::store(&sum[r][column], left[r]);
      simd::store(&sum[r][column + lanes], right[r]);
    }
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
