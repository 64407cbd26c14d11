#include <algorithm>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/lane_sums.hpp>

#include "kernels/cpu/convolutions.hpp"

using namespace pretext;
using kernels::detail::lane_maximum;
using kernels::detail::lane_sum;

TEST_CASE("a sum in sixteen lanes has every term once") {
  for (std::size_t count = 0; count < 100; ++count)
    CHECK(lane_sum<double>(count, [](std::size_t i) { return static_cast<double>(i + 1); }) ==
          static_cast<double>(count * (count + 1) / 2));
}

TEST_CASE("the order of the sum is the same inside and outside of a vectorised loop") {
  const auto x = tests::random_values<float>(1000, 1);
  for (std::size_t count : {1u, 16u, 31u, 192u, 1000u}) {
    const auto sum = [&] { return lane_sum<float>(count, [&](std::size_t i) { return x[i]; }); };
    float vectorised = 0;
    kernels::vectorised([&] { vectorised = sum(); });
    CHECK(vectorised == sum());
  }
}

TEST_CASE("the maximum is that of all elements, wherever it is") {
  for (std::size_t count : {1u, 5u, 16u, 17u, 50u})
    for (std::size_t at = 0; at < count; ++at) {
      std::vector<float> x(count, -3);
      x[at] = -2;
      CHECK(lane_maximum(count, x.data()) == -2);
    }
}
