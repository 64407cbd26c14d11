#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include <pretext/kernels/cpu/simd/exponential.hpp>

using namespace pretext;

namespace {

float negative_exponential(float x) {
  constexpr std::size_t lanes = 16;
  float in[lanes], e[lanes];
  for (float& lane : in) lane = x;
  kernels::negative_exponentials<lanes>(
      in, [](std::size_t) { return 0.0f; }, e);
  bool equal = true;
  for (const float lane : e) equal = equal && lane == e[0];
  return equal ? e[0] : std::numeric_limits<float>::infinity();
}

}  // namespace

TEST_CASE("an exponential is within two units in the last place wherever the result is a normal number") {
  double largest = 0;
  for (double x = -87.3; x <= 0; x += 1.7e-4) {
    const auto rounded = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(rounded));
    const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
    largest = std::max(largest, std::abs(static_cast<double>(negative_exponential(rounded)) - exact) / unit);
  }
  CAPTURE(largest);
  CHECK(largest < 2);
  CHECK(negative_exponential(0) == 1);
}

TEST_CASE("below that it is less than the smallest normal number, and zero from -88 on") {
  for (float x = -88; x < -87.4f; x += 1e-3f) {
    CHECK(negative_exponential(x) >= 0);
    CHECK(negative_exponential(x) < std::numeric_limits<float>::min());
  }
  CHECK(negative_exponential(-88) == 0);
  CHECK(negative_exponential(-1e30f) == 0);
  CHECK(negative_exponential(-std::numeric_limits<float>::infinity()) == 0);
}

TEST_CASE("each element has its own shift") {
  const double x[3] = {1, 2, 3};
  double e[3];
  kernels::negative_exponentials<3>(
      x, [](std::size_t i) { return 2.0 * static_cast<double>(i) + 1; }, e);
  for (int i = 0; i < 3; ++i) CHECK(e[i] == std::exp(-i));
}
