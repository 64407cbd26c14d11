// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels {

/// The instruction sets that kernels are compiled for, each a superset of the one before; chosen at run time.
/// `avx2` includes FMA; `avx512` is F, BW, DQ and VL; `avx512_bf16` adds BF16, products of bfloat16.
enum class isa { portable, avx2, avx512, avx512_bf16 };

namespace detail {

inline isa isa_of_processor() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (!wide) return isa::avx2;
    return __builtin_cpu_supports("avx512bf16") ? isa::avx512_bf16 : isa::avx512;
  }
#endif
  return isa::portable;
}

inline isa isa_named(const std::string& name) {
  if (name == "portable") return isa::portable;
  if (name == "avx2") return isa::avx2;
  if (name == "avx512") return isa::avx512;
  if (name == "avx512_bf16") return isa::avx512_bf16;
  throw std::invalid_argument{"PRETEXT_ISA=" + name + ": choose portable, avx2, avx512 or avx512_bf16."};
}

}  // namespace detail

/// The best instruction set of this processor, limited by the environment variable PRETEXT_ISA (portable,
/// avx2, avx512 or avx512_bf16). Throws std::invalid_argument for another value of it.
inline isa best_isa() {
  static const isa best = [] {
    const char* limit = std::getenv("PRETEXT_ISA");
    const isa available = detail::isa_of_processor();
    return limit && *limit ? std::min(available, detail::isa_named(limit)) : available;
  }();
  return best;
}

namespace detail {
#if defined(__x86_64__)
// At -O2 g++ does not vectorise loops of unknown length, clang does: batch norm was five times slower. Below
// -O2 it does not clear the upper halves of the registers before calls, either, and SSE code after them, such
// as std::erfc, takes up to ten times as long.
template <class Work>
#if !defined(__clang__)
[[gnu::optimize("tree-vectorize", "vect-cost-model=dynamic", "expensive-optimizations")]]
#endif
[[gnu::target("avx2,fma"), gnu::flatten]] void
run_avx2(const Work& work) {
  work();
  __builtin_ia32_vzeroupper();
}
template <class Work>
#if !defined(__clang__)
[[gnu::optimize("tree-vectorize", "vect-cost-model=dynamic", "expensive-optimizations")]]
#endif
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), gnu::flatten]] void
run_avx512(const Work& work) {
  work();
  __builtin_ia32_vzeroupper();
}
#endif
}  // namespace detail

/// Calls `work`, which is compiled once for each instruction set: loops in it become vector instructions.
template <class Work>
void vectorised(const Work& work) {
#if defined(__x86_64__)
  const isa best = best_isa();
  if (best >= isa::avx512) return detail::run_avx512(work);
  if (best == isa::avx2) return detail::run_avx2(work);
#endif
  work();
}

}  // namespace pretext::inline v0_1::kernels
