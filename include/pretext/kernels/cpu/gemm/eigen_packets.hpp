// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

#include <Eigen/Core>

#include <pretext/kernels/cpu/gemm/operands.hpp>

// Eigen's packets are the registers of the processor that is compiled for: NEON, SVE of a known length,
// AltiVec, ZVector, MSA, or single values where there are no vectors.
namespace pretext::inline v0_1::kernels::detail {

/// The operations of the portable tile in packets of Eigen.
template <class T>
struct eigen_packets {
  using packet = typename Eigen::internal::packet_traits<T>::type;
  using operands = packet;
  static constexpr std::size_t lanes = Eigen::internal::unpacket_traits<packet>::size;
  // With 32 registers, a packet of the left operand is loaded once for all its lanes.
#if defined(__aarch64__) && !defined(EIGEN_ARM64_USE_SVE)
  static constexpr bool reads_lanes = true;
#else
  static constexpr bool reads_lanes = false;
#endif

  [[gnu::always_inline]] static inline packet zero() { return Eigen::internal::pset1<packet>(T{0}); }
  [[gnu::always_inline]] static inline operands load(const T* p) {
    return Eigen::internal::ploadu<packet>(p);
  }
  [[gnu::always_inline]] static inline void store(T* p, packet v) { Eigen::internal::pstoreu(p, v); }
  [[gnu::always_inline]] static inline packet multiply_add(T a, operands b, packet c) {
    return Eigen::internal::pmadd(Eigen::internal::pset1<packet>(a), b, c);
  }
};

template <>
struct eigen_packets<bfloat16_pair> : eigen_packets<float> {
  static constexpr bool reads_lanes = false;
  /// The two factors of each pair, as floats.
  struct operands {
    packet first, second;
  };
  [[gnu::always_inline]] static inline operands load(const bfloat16_pair* p) {
    float first[lanes], second[lanes];
    for (std::size_t i = 0; i < lanes; ++i) {
      first[i] = std::bit_cast<float>(p[i].bits << 16);
      second[i] = std::bit_cast<float>(p[i].bits & ~0xffffu);
    }
    return {eigen_packets<float>::load(first), eigen_packets<float>::load(second)};
  }
  [[gnu::always_inline]] static inline packet multiply_add(bfloat16_pair a, const operands& b, packet c) {
    c = eigen_packets<float>::multiply_add(std::bit_cast<float>(a.bits & ~0xffffu), b.second, c);
    return eigen_packets<float>::multiply_add(std::bit_cast<float>(a.bits << 16), b.first, c);
  }
};

}  // namespace pretext::inline v0_1::kernels::detail
