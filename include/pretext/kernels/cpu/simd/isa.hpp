#pragma once
#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace pretext::kernels {

/// The instruction sets that kernels have versions for, each containing the ones before it. A program built
/// for any x86-64 picks at run time. avx2 means FMA too; avx512 means F, BW, DQ and VL, avx512_bf16 BF16 with
/// them: products of bfloat16.
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

/// What this processor has, or less where the environment variable PRETEXT_ISA=portable, avx2, avx512 or
/// avx512_bf16 asks for less. Throws std::invalid_argument for another value.
inline isa best_isa() {
  static const isa best = [] {
    const char* asked = std::getenv("PRETEXT_ISA");
    const isa had = detail::isa_of_processor();
    return asked && *asked ? std::min(had, detail::isa_named(asked)) : had;
  }();
  return best;
}

namespace detail {
#if defined(__x86_64__)
// At -O2 g++ leaves loops of unknown length alone, where clang does not: batch norm was five times slower.
template <class Work>
#if !defined(__clang__)
[[gnu::optimize("tree-vectorize", "vect-cost-model=dynamic")]]
#endif
[[gnu::target("avx2,fma"), gnu::flatten]] void
run_avx2(const Work& work) {
  work();
}
template <class Work>
#if !defined(__clang__)
[[gnu::optimize("tree-vectorize", "vect-cost-model=dynamic")]]
#endif
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), gnu::flatten]] void
run_avx512(const Work& work) {
  work();
}
#endif
}  // namespace detail

/// Runs a loop compiled for the best instruction set at hand; the loop is written once.
template <class Work>
void vectorised(const Work& work) {
#if defined(__x86_64__)
  if (best_isa() >= isa::avx512) return detail::run_avx512(work);
  if (best_isa() == isa::avx2) return detail::run_avx2(work);
#endif
  work();
}

}  // namespace pretext::kernels
