#include <doctest/doctest.h>

#include <utility>
#include <vector>

#include <pretext/kernels/gpu/block/transpose.hpp>

#include "emulated.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("a matrix is transposed, or its transpose added, in any order of threads") {
  for (const auto& [r, c] : {std::pair<std::size_t, std::size_t>{1, 1}, {3, 70}, {64, 32}, {33, 65}})
    for (const bool backwards : {false, true}) {
      on<emulated, fp32> context{.stream = {.backwards = backwards}};
      std::vector<bfloat16> from(r * c);
      for (std::size_t i = 0; i < from.size(); ++i) from[i] = bfloat16{static_cast<float>(i % 100)};
      std::vector<float> transposed(r * c, -1), added(r * c, 1000);
      grid::transpose(context, r, c, from.data(), transposed.data());
      grid::transpose(context, r, c, from.data(), added.data(), true);
      for (std::size_t i = 0; i < from.size(); ++i) {
        const std::size_t to = i % c * r + i / c;
        CHECK(transposed[to] == static_cast<float>(from[i]));
        CHECK(added[to] == 1000 + static_cast<float>(from[i]));
      }
    }
}
