// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <pretext/kernels/cpu/gemm/operands.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// The operations of the portable tile in the compiler's vectors of 16 bytes, which are SSE2 on x86-64: the
/// instructions that Eigen's packets are there, without the time to compile Eigen.
template <class T>
struct vector_packets {
  typedef T packet __attribute__((vector_size(16)));
  typedef T unaligned __attribute__((vector_size(16), aligned(alignof(T)), may_alias));
  using operands = packet;
  static constexpr std::size_t lanes = 16 / sizeof(T);
  static constexpr bool reads_lanes = false;  // with 16 registers, a lane costs more than a load

  [[gnu::always_inline]] static inline packet zero() { return packet{}; }
  [[gnu::always_inline]] static inline operands load(const T* p) {
    return *reinterpret_cast<const unaligned*>(p);
  }
  [[gnu::always_inline]] static inline void store(T* p, packet v) { *reinterpret_cast<unaligned*>(p) = v; }
  [[gnu::always_inline]] static inline packet multiply_add(T a, operands b, packet c) { return c + a * b; }
};

template <>
struct vector_packets<bfloat16_pair> : vector_packets<float> {
  typedef std::uint32_t operands __attribute__((vector_size(16)));
  [[gnu::always_inline]] static inline operands load(const bfloat16_pair* p) {
    operands pairs;
    std::memcpy(&pairs, p, sizeof pairs);
    return pairs;
  }
  [[gnu::always_inline]] static inline packet multiply_add(bfloat16_pair a, operands b, packet c) {
    const float first = std::bit_cast<float>(a.bits << 16), second = std::bit_cast<float>(a.bits & ~0xffffu);
    const operands low = b << 16, high = b & ~0xffffu;
    c = c + second * reinterpret_cast<packet>(high);
    return c + first * reinterpret_cast<packet>(low);
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
