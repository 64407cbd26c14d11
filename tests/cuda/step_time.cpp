// The null GPU's model of an H200: which limit a kernel meets, and how long it takes then.
#include <doctest/doctest.h>

#include "null_gpu/step_time.hpp"

using namespace pretext::tests;
using namespace pretext::tests::null_gpu;

namespace {
constexpr double gap = h200::seconds_between_nodes;

predicted_time time_of(const ptx::block_counts& counted, unsigned blocks = 1320, unsigned resident = 8) {
  return kernel_time({.blocks = blocks, .threads = 256}, resident, 1, counted);
}
}  // namespace

TEST_CASE("blocks are resident as far as threads, registers and shared memory allow") {
  CHECK(resident_blocks(256, 32, 0) == 8);          // 64 warps
  CHECK(resident_blocks(256, 96, 0) == 2);          // 65 536 / (96 * 256)
  CHECK(resident_blocks(256, 89, 0) == 2);          // a warp's registers come in units of 256
  CHECK(resident_blocks(32, 16, 0) == 32);          // no more than 32
  CHECK(resident_blocks(256, 32, 100 << 10) == 2);  // of 228 KiB
  CHECK(resident_blocks(1024, 65, 0) == 0);         // cannot be launched
}

TEST_CASE("a kernel takes as long as the slowest of what it needs") {
  ptx::block_counts counted;
  counted.distinct_sectors = 10'000;
  counted.sectors = 10'000;
  const predicted_time copied = time_of(counted);
  CHECK(copied.limit == "memory");
  CHECK(copied.seconds - gap == doctest::Approx(1320 * 10'000 * 32. / (0.9 * 4.3e12)));

  counted.issue_slots = 100'000'000;
  CHECK(time_of(counted).limit == "instructions");
  CHECK(time_of(counted).seconds - gap == doctest::Approx(10 * 1e6 / (4 * 0.65 * 1.755e9)));

  counted.wavefronts = 2'000'000;
  CHECK(time_of(counted).limit == "shared memory");
  counted.sectors = 20'000'000;
  CHECK(time_of(counted).limit == "caches");
  counted.longest_warp = 10'000'000;  // 1320 blocks take two rounds
  CHECK(time_of(counted).limit == "longest warp");
  CHECK(time_of(counted).seconds - gap == doctest::Approx(2 * 4e7 / 1.755e9));
}

TEST_CASE("a few blocks leave multiprocessors idle") {
  ptx::block_counts counted;
  counted.issue_slots = 10'000'000;
  CHECK(time_of(counted, 1).seconds == doctest::Approx(time_of(counted, 132).seconds));
  CHECK(time_of(counted, 264).seconds > 1.2 * time_of(counted, 132).seconds);
}

TEST_CASE("a library's work is limited by tensor cores or by memory") {
  const predicted_time large = library_time("product", {.flops = 1e12, .bytes = 1e9, .contracted = 4096}),
                       thin = library_time("product", {.flops = 1e10, .bytes = 1e9, .contracted = 64});
  CHECK(large.limit == "tensor cores");
  CHECK(large.seconds - gap == doctest::Approx(1e12 / (790e12 * 0.82)));
  CHECK(thin.limit == "memory");
  CHECK(thin.seconds - gap == doctest::Approx(1e9 / (4.3e12 * 0.9)));
  CHECK(library_time("GELU-product", {.flops = 1e12}).seconds >
        library_time("product", {.flops = 1e12}).seconds);
  CHECK(library_time("summing-convolution", {.flops = 1e12, .contracted = 256}).seconds >
        library_time("convolution", {.flops = 1e12, .contracted = 256}).seconds);
  CHECK(library_time("convolution", {.flops = 1e12, .contracted = 64}).seconds >
        library_time("convolution", {.flops = 1e12, .contracted = 256}).seconds);
}
