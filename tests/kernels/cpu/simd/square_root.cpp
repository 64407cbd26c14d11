#include <cmath>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/kernels/cpu/simd/square_root.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;

TEST_CASE_TEMPLATE("square roots are correctly rounded for any count, and nothing after the last changes", T,
                   float, double) {
  for (std::size_t count : {0u, 1u, 3u, 4u, 7u, 8u, 15u, 16u, 17u, 100u}) {
    auto x = tests::random_values<T>(count + 1, 1);
    for (T& value : x) value = value * value * T(1e6);
    auto expected = x;
    for (std::size_t i = 0; i < count; ++i) expected[i] = std::sqrt(x[i]);
    kernels::detail::square_roots(count, x.data());
    CHECK(x == expected);
  }
}
