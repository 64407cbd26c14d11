// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>

#include <pretext/kernels/cpu/gemm/tile_product.hpp>
#include <pretext/kernels/cpu/gemm/tile_shape.hpp>
#if defined(__x86_64__)
#include <pretext/kernels/cpu/gemm/vector_packets.hpp>
#else
#include <pretext/kernels/cpu/gemm/eigen_packets.hpp>
#endif

namespace pretext::inline v0_1::kernels::detail {

#if defined(__x86_64__)
template <class Operand>
using portable_packets = vector_packets<Operand>;
#else
template <class Operand>
using portable_packets = eigen_packets<Operand>;
#endif

/// For any processor: six rows of two packets, or of four single values, a part of the columns at a time.
template <class Operand, class Simd = portable_packets<Operand>>
struct portable_tile {
  using value_type = sum_of<Operand>;
  using packet = typename Simd::packet;
  static constexpr std::size_t lanes = Simd::lanes;
  static constexpr std::size_t rows = shape_of_tile<Operand>(isa::portable).rows;
  static constexpr std::size_t columns = shape_of_tile<Operand>(isa::portable).columns;
  static constexpr std::size_t packets = std::min<std::size_t>(lanes == 1 ? 4 : 2, columns / lanes);
  static constexpr std::size_t part = packets * lanes;
  static_assert(columns % part == 0);
  /// Packets of the outer product: 24 sums fit into the 32 registers of processors that multiply by a lane.
  static constexpr std::size_t wide = Simd::reads_lanes ? columns / lanes : packets;

  [[gnu::noinline]] static void run(const gathered_product<Operand>& p) {
    value_type sum[rows][columns];
    for (std::size_t column = 0; column < columns; column += part) {
      accumulators<packets> s;
      for (std::size_t tap = 0; tap < p.taps; ++tap) {
        const Operand* const* a = p.a + tap * rows;
        const Operand* b = p.b[tap] + column;
        std::size_t k = 0;
        if constexpr (Simd::reads_lanes)
          for (; k + lanes <= p.depth; k += lanes, b += lanes * columns) {
            packet left[rows];
#pragma GCC unroll 6
            for (std::size_t r = 0; r < rows; ++r) left[r] = Simd::load(a[r] + k);
#pragma GCC unroll 4
            for (std::size_t lane = 0; lane < lanes; ++lane)
              s.add([&](std::size_t r) { return left[r][lane]; }, b + lane * columns);
          }
        for (; k < p.depth; ++k, b += columns) s.add([&](std::size_t r) { return a[r][k]; }, b);
      }
      s.store(sum, column);
    }
    store_tile(sum, p.c, p.m, p.n, p.accumulate);
  }

  [[gnu::noinline]] static void run(const outer_product<Operand>& p) {
    value_type sum[rows][columns];
    value_type* c[rows];
    std::size_t at[rows];  // rows past the last repeat it
#pragma GCC unroll 6
    for (std::size_t r = 0; r < rows; ++r) {
      at[r] = std::min(r, p.m - 1);
      c[r] = p.c + at[r] * p.c_stride;
    }
    for (std::size_t column = 0; column < columns; column += wide * lanes) {
      accumulators<wide> s;
      const Operand* b = p.b + column;
      std::size_t i = 0;
      if constexpr (Simd::reads_lanes)
        for (; p.m == rows && i < p.count; ++i, b += p.b_stride) {
          const Operand* a = p.a[i] + p.offset;
          constexpr std::size_t whole = rows / lanes;
          packet left[whole];
#pragma GCC unroll 4
          for (std::size_t j = 0; j < whole; ++j) left[j] = Simd::load(a + j * lanes);
          s.add([&](std::size_t r) { return r < whole * lanes ? left[r / lanes][r % lanes] : a[r]; }, b);
        }
      for (; i < p.count; ++i, b += p.b_stride) {
        const Operand* a = p.a[i] + p.offset;
        s.add([&](std::size_t r) { return a[at[r]]; }, b);
      }
      s.store(sum, column);
    }
    store_tile(sum, c, p.m, p.n, p.accumulate);
  }

 private:
  template <std::size_t Packets>
  struct accumulators {
    packet sum[rows][Packets];

    [[gnu::always_inline]] inline accumulators() {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (std::size_t i = 0; i < Packets; ++i) sum[r][i] = Simd::zero();
    }
    /// Adds the products of `a(row)` and the packets at b.
    template <class Left>
    [[gnu::always_inline]] inline void add(const Left& a, const Operand* b) {
      typename Simd::operands right[Packets];
#pragma GCC unroll 4
      for (std::size_t i = 0; i < Packets; ++i) right[i] = Simd::load(b + i * lanes);
#pragma GCC unroll 6
      for (std::size_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (std::size_t i = 0; i < Packets; ++i) sum[r][i] = Simd::multiply_add(a(r), right[i], sum[r][i]);
    }
    [[gnu::always_inline]] inline void store(value_type (&to)[rows][columns], std::size_t column) const {
#pragma GCC unroll 6
      for (std::size_t r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (std::size_t i = 0; i < Packets; ++i) Simd::store(&to[r][column + i * lanes], sum[r][i]);
    }
  };
};

}  // namespace pretext::inline v0_1::kernels::detail
