#pragma once
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <random>
#include <vector>

#include <pretext/core/on.hpp>

namespace pretext::tests {

/// One device at work: gives a computation its numbers, takes its results.
template <class Place>
class workbench {
 public:
  using T = typename Place::activation;
  using device = typename Place::device;
  Place place{};

  template <class Number>
  const Number* in(const std::vector<Number>& numbers) {
    return held(numbers);
  }
  /// Memory for results, which hold `start` or, where that says nothing, no number at all.
  T* out(std::size_t count) { return out(std::vector<T>(count, std::numeric_limits<T>::quiet_NaN())); }
  T* out(const std::vector<T>& start) {
    T* const data = held(start);
    results_.push_back({data, start.size()});
    return data;
  }
  std::uint32_t* out_indices(std::size_t count) {
    auto* const data = held(std::vector<std::uint32_t>(count, 0xFFFFFFFF));
    indices_.push_back({data, count});
    return data;
  }
  /// A loss is a result, too.
  void loss(const typename Place::loss_value& value) {
    if constexpr (std::same_as<typename Place::loss_value, double>) {
      losses_.push_back(value);
    } else {
      value.settle(place);
      losses_.push_back(place.stream.take_settled_loss());
    }
  }

  std::vector<std::vector<double>> results() {
    std::vector<std::vector<double>> all;
    for (const auto& [data, count] : results_) all.push_back(numbers(data, count));
    for (const auto& [data, count] : indices_) all.push_back(numbers(data, count));
    for (double value : losses_) all.push_back({value, 1});  // beside 1, since a loss may vanish
    return all;
  }

 private:
  template <class Number>
  struct piece {
    Number* data;
    std::size_t count;
  };

  template <class Number>
  Number* held(const std::vector<Number>& numbers) {
    auto memory = std::make_shared<buffer<Number, device>>(numbers.size());
    device::write(place.stream, memory->data(), numbers.data(), numbers.size());
    memory_.push_back(memory);
    return memory->data();
  }
  template <class Number>
  std::vector<double> numbers(const Number* data, std::size_t count) {
    std::vector<Number> host(count);
    device::read(place.stream, host.data(), data, count);
    return {host.begin(), host.end()};
  }

  std::vector<std::shared_ptr<void>> memory_;
  std::vector<piece<T>> results_;
  std::vector<piece<std::uint32_t>> indices_;
  std::vector<double> losses_;
};

/// The largest difference, as a part of the largest number expected; NaN where either has one.
inline double apart(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double here = std::abs(found[i] - expected[i]);
    difference = std::isnan(here) ? here : std::max(difference, here);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// Results, one list of numbers after another.
using results = std::vector<std::vector<double>>;

/// What the CPU makes of a computation; which way a device is compared with it is the device's own
/// (beside_cpu.hpp, recorded.hpp).
template <class Device, class Numerics>
struct reference;

template <class Place, class Compute>
results results_of(const Compute& compute) {
  workbench<Place> at;
  compute(at);
  return at.results();
}

inline void all_near(const results& found, const results& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    CAPTURE(i);
    CHECK(apart(found[i], expected[i]) <= tolerance);
  }
}

/// `compute(workbench)` gives the same results on the device as on the CPU; where the device is played by the
/// CPU, the same bits in any order of its threads.
template <class Device, class Numerics, class Compute>
void same_on_both(double tolerance, const Compute& compute) {
  const results expected =
      reference<Device, Numerics>::of([&]<class Place>() { return results_of<Place>(compute); });
  if constexpr (requires { typename Device::stream; }) {
    const results found = results_of<on<Device, Numerics>>(compute);
    all_near(found, expected, tolerance);
    if constexpr (requires(typename Device::stream on) { on.backwards; }) {
      workbench<on<Device, Numerics>> backwards;
      backwards.place.stream.backwards = true;
      compute(backwards);
      CHECK(backwards.results() == found);
    }
  }
}

/// In double and in float, with tolerances for both.
template <class Device, class Compute>
void same_on_both(const Compute& compute) {
  same_on_both<Device, fp64>(1e-12, compute);
  same_on_both<Device, fp32>(2e-5, compute);
}

/// N(0.1, 1), of the type that a place computes in.
template <class T>
std::vector<T> some_numbers(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{0.1, 1};
  std::vector<T> numbers(count);
  for (T& number : numbers) number = static_cast<T>(draw(random));
  return numbers;
}

}  // namespace pretext::tests
