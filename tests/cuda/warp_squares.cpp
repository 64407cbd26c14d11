#include "warp_squares.hpp"

#include <cmath>

#include "compare_with_cpu.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("a warp multiplies squares, as they are or transposed") { multiply_squares<emulated>(); }

namespace {
/// Reads what it copies before the copy is complete.
struct impatient {
  static constexpr unsigned threads = 32;
  struct shared {
    alignas(16) bfloat16 copied[8];
  };
  const bfloat16* from;
  float* to;

  template <class Block>
  void operator()(Block& block) const {
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) block.copy_later(block.shared().copied, from, true);
    });
    to[0] = static_cast<float>(block.shared().copied[0]);
    block.finish_copies();
    to[1] = static_cast<float>(block.shared().copied[0]);
  }
};
}  // namespace

TEST_CASE("a copy that a block has not waited for has copied nothing") {
  const on<emulated, fp32> context;
  const std::vector<bfloat16> from(8, bfloat16{3.f});
  float to[2] = {};
  launch(context.stream, 1, impatient{from.data(), to});
  CHECK(std::isnan(to[0]));
  CHECK(to[1] == 3);
}
