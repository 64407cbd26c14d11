#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include <pretext/kernels/cpu/simd/isa.hpp>

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
