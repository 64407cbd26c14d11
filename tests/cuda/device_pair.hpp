#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include <pretext/core/context.hpp>

namespace pretext::tests {

/// N(0.1, 1), of any type.
template <class T>
std::vector<T> some_numbers(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{0.1, 1};
  std::vector<T> numbers(count);
  for (T& number : numbers) number = static_cast<T>(draw(random));
  return numbers;
}

/// One device at work: gives a computation its numbers, takes its results.
template <class Context>
class workbench {
 public:
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  Context context{};

  /// Activations that every device of these numerics can store as they are.
  std::vector<T> activations(std::size_t count, unsigned seed, double times = 1, double plus = 0) const {
    std::vector<T> all;
    for (const double number : some_numbers<double>(count, seed))
      all.push_back(static_cast<T>(static_cast<typename Context::numerics::compute>(number * times + plus)));
    return all;
  }

  template <class Number>
  const Number* in(const std::vector<Number>& numbers) {
    return held(numbers);
  }
  /// Memory for results, which hold `start` or, where that says nothing, no number at all.
  T* out(std::size_t count) { return out(std::vector<T>(count, T(std::numeric_limits<W>::quiet_NaN()))); }
  W* out_weights(std::size_t count) {
    return out(std::vector<W>(count, std::numeric_limits<W>::quiet_NaN()));
  }
  std::uint32_t* out_indices(std::size_t count) { return out(std::vector<std::uint32_t>(count, 0xFFFFFFFF)); }
  template <class Number>
  Number* out(const std::vector<Number>& start) {
    Number* const data = held(start);
    results_.push_back([this, data, count = start.size()] {
      std::vector<Number> host(count);
      device::read(context.stream, host.data(), data, count);
      std::vector<double> numbers;
      for (const Number& number : host) numbers.push_back(static_cast<double>(number));
      return numbers;
    });
    return data;
  }
  /// A loss is a result, too; beside 1, since it may vanish.
  void loss(const typename Context::loss_value& value) {
    double number;
    if constexpr (std::same_as<typename Context::loss_value, double>) {
      number = value;
    } else {
      value.settle(context);
      number = context.stream.take_loss();
    }
    results_.push_back([number] { return std::vector<double>{number, 1}; });
  }

  std::vector<std::vector<double>> results() {
    std::vector<std::vector<double>> all;
    for (const auto& result : results_) all.push_back(result());
    return all;
  }

 private:
  template <class Number>
  Number* held(const std::vector<Number>& numbers) {
    auto memory = std::make_shared<buffer<Number, device>>(numbers.size());
    device::write(context.stream, memory->data(), numbers.data(), numbers.size());
    memory_.push_back(memory);
    return memory->data();
  }

  std::vector<std::shared_ptr<void>> memory_;
  std::vector<std::function<std::vector<double>()>> results_;
};

/// How far results may be from those expected: each number by a part of its own, to which it was rounded, and
/// by a part of the largest.
struct tolerance {
  double of_largest, of_each = 0;
  constexpr tolerance(double largest, double each = 0) : of_largest{largest}, of_each{each} {}
};

/// The largest difference beyond what each number may have, as a part of the largest number expected; NaN
/// where either has one.
inline double apart(const std::vector<double>& found, const std::vector<double>& expected,
                    double of_each = 0) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double here = std::abs(found[i] - expected[i]) - of_each * std::abs(expected[i]);
    difference = std::isnan(here) ? here : std::max(difference, here);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// Results, one list of numbers after another.
using results = std::vector<std::vector<double>>;

/// What the CPU makes of a computation; which way a device is compared with it is the device's own
/// (compare_with_cpu.hpp, recorded.hpp).
template <class Device, class Numerics>
struct reference;

template <class Context, class Compute>
results results_of(const Compute& compute) {
  workbench<Context> at;
  compute(at);
  return at.results();
}

inline void all_near(const results& found, const results& expected, tolerance within) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(apart(found[i], expected[i], within.of_each) <= within.of_largest);
  }
}

/// `compute(workbench)` gives the same results on the device as on the CPU; where the device is played by the
/// CPU, the same bits in any order of its threads.
template <class Device, class Numerics, class Compute>
void same_on_both(tolerance within, const Compute& compute) {
  const results expected =
      reference<Device, Numerics>::of([&]<class Context>() { return results_of<Context>(compute); });
  if constexpr (requires { typename Device::stream; }) {
    const results found = results_of<on<Device, Numerics>>(compute);
    all_near(found, expected, within);
    if constexpr (requires(typename Device::stream on) { on.backwards; }) {
      workbench<on<Device, Numerics>> backwards;
      backwards.context.stream.backwards = true;
      compute(backwards);
      CHECK(backwards.results() == found);
    }
  }
}

/// In double, in float, and with activations in bfloat16. There every result was calculated in float and then
/// rounded once, by at most half of its last digit, 2^-9 of it; where kernels hand one another activations
/// (`handed_on` of them, one after the other), each of those was rounded before, by 2^-9 of itself.
template <class Device, class Compute>
void same_on_both(const Compute& compute, int handed_on = 0) {
  same_on_both<Device, fp64>(1e-12, compute);
  same_on_both<Device, fp32>(2e-5, compute);
  same_on_both<Device, bf16>({2e-5 + handed_on * 0x1p-9, 0x1p-8}, compute);
}

}  // namespace pretext::tests
