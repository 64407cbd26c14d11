#pragma once
#include <cstdlib>
#include <string_view>

namespace pretext::kernels {

/// The instruction sets that kernels have versions for. A program built for any x86-64 picks at run time.
enum class isa { portable, avx2 };

/// What this processor has; the environment variable PRETEXT_ISA=portable asks for less.
inline isa best_isa() {
  static const isa best = [] {
    const char* asked = std::getenv("PRETEXT_ISA");
    if (asked && std::string_view{asked} == "portable") return isa::portable;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return isa::avx2;
#endif
    return isa::portable;
  }();
  return best;
}

namespace detail {
#if defined(__x86_64__)
template <class Work>
[[gnu::target("avx2,fma"), gnu::flatten]] void run_avx2(const Work& work) {
  work();
}
#endif
}  // namespace detail

/// Runs a loop compiled for the best instruction set at hand; the loop is written once.
template <class Work>
void vectorised(const Work& work) {
#if defined(__x86_64__)
  if (best_isa() == isa::avx2) return detail::run_avx2(work);
#endif
  work();
}

}  // namespace pretext::kernels
