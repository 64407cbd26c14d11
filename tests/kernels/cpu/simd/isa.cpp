#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/square_root.hpp>

using namespace pretext::kernels;

TEST_CASE("PRETEXT_ISA limits the instruction set, and never adds one") {
  const char* limit = std::getenv("PRETEXT_ISA");
  const isa available = detail::isa_of_processor();
  CHECK(best_isa() == (limit && *limit ? std::min(available, detail::isa_named(limit)) : available));
  CHECK(best_isa() <= available);
}

TEST_CASE("an unknown instruction set is refused with a message that lists the known ones") {
  CHECK(detail::isa_named("portable") == isa::portable);
  CHECK(detail::isa_named("avx2") == isa::avx2);
  CHECK(detail::isa_named("avx512") == isa::avx512);
  CHECK(detail::isa_named("avx512_bf16") == isa::avx512_bf16);
  CHECK_THROWS_WITH(detail::isa_named("AVX9"),
                    "PRETEXT_ISA=AVX9: choose portable, avx2, avx512 or avx512_bf16.");
}

TEST_CASE("a vectorised loop runs once, and what it throws is thrown") {
  int ran = 0;
  vectorised([&] { ++ran; });
  CHECK(ran == 1);
  CHECK_THROWS_AS(vectorised([] { throw 1; }), int);
}

#if defined(__x86_64__)
namespace {
// Does the processor count the upper halves of the AVX registers as used? (XGETBV with ECX = 1, bit 2.)
bool upper_halves_in_use() {
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(1));
  return (low & 4u) != 0;
}
[[gnu::target("avx")]] void clear_upper_halves() { __builtin_ia32_vzeroupper(); }
[[gnu::target("avx")]] void use_upper_halves() {
  __asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0\n\tvinsertf128 $1, %%xmm0, %%ymm0, %%ymm0" ::: "xmm0");
}
bool can_ask() {
  unsigned a = 0xd, b = 0, c = 1, d = 0;
  __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (a & 4u) != 0;  // XGETBV accepts ECX = 1
}
}  // namespace

TEST_CASE("kernels leave the upper halves of the registers clear at every optimization") {
  if (best_isa() < isa::avx2 || !can_ask()) return;
  use_upper_halves();
  const bool tells = upper_halves_in_use();
  clear_upper_halves();
  if (!tells || upper_halves_in_use()) return;  // this processor does not tell
  std::vector<float> numbers(1000, 2);
  vectorised([&] {
    for (float& number : numbers) number = number * number + 1;
  });
  CHECK_FALSE(upper_halves_in_use());
  clear_upper_halves();
  detail::square_roots(numbers.size(), numbers.data());
  CHECK_FALSE(upper_halves_in_use());
}
#endif
