#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/layers/check_gradient.hpp>

namespace pretext::tests {

/// Rows that are far from unit length.
template <class T = double>
std::vector<T> random_rows(std::size_t count, unsigned seed, double deviation = 2) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{0.2, deviation};
  std::vector<T> rows(count);
  for (T& number : rows) number = static_cast<T>(draw(random));
  return rows;
}

/// Checks a gradient against central differences of `value()`.
template <class Value>
void matches_differences(std::vector<double>& at, const std::vector<double>& gradient, const Value& value,
                         std::size_t stride = 1, double tolerance = 1e-7) {
  const auto found =
      check_gradient(at, gradient, value, {.difference = 1e-5, .inputs = (at.size() + stride - 1) / stride});
  CHECK_MESSAGE(found.error < tolerance, found.text());
}

/// |a - b| is within tolerance of the larger of 1 and |b| for each element.
template <class T>
void all_near(const std::vector<T>& a, const std::vector<double>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    CHECK(static_cast<double>(a[i]) == doctest::Approx(b[i]).epsilon(tolerance).scale(1));
  }
}

}  // namespace pretext::tests
