#include <doctest/doctest.h>

#include <concepts>
#include <cstdint>
#include <type_traits>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/step_rates.hpp>

using namespace pretext;

TEST_CASE("a device_scalar is the value given, or the one at its address at the time of the read") {
  const device_scalar<double> given = 0.25;
  CHECK(double{given} == 0.25);
  double in_memory = 1;
  const auto stored = device_scalar<double>::at_address(&in_memory);
  in_memory = 3;
  CHECK(double{stored} == 3);
  static_assert(std::is_trivially_copyable_v<device_scalar<double>>);
}

TEST_CASE("a device_scalar of a struct can be made of whatever makes the struct") {
  const device_scalar<step_rates> of_one = 0.25;
  CHECK(step_rates(of_one) == step_rates{0.25});
  step_rates in_memory{1};
  const auto stored = device_scalar<step_rates>::at_address(&in_memory);
  in_memory.freeze(2);
  CHECK(step_rates(stored).is_frozen(2));
  static_assert(std::is_trivially_copyable_v<device_scalar<step_rates>>);
  static_assert(!std::convertible_to<const char*, device_scalar<step_rates>>);
}

TEST_CASE("the keys of samples use the epoch at its address") {
  const std::uint64_t samples[]{8, 3};
  std::uint32_t epoch = 4;
  const sample_keys given{.seed = 2, .epoch = 4, .samples = samples, .count = 2};
  const sample_keys stored{
      .seed = 2, .epoch = device_scalar<std::uint32_t>::at_address(&epoch), .samples = samples, .count = 2};
  CHECK(stored(3).word(0) == given(3).word(0));
  epoch = 5;
  CHECK(stored(3).word(0) != given(3).word(0));
}
