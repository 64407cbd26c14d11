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

/// N(0.1, 1) values of any type.
template <class T>
std::vector<T> random_values(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{0.1, 1};
  std::vector<T> values(count);
  for (T& value : values) value = static_cast<T>(draw(random));
  return values;
}

/// Lets a GPU time the plans of its libraries, and compile kernels for small results, too.
template <class Context>
void time_plans(Context& context) {
  if constexpr (requires { context.stream.plans(); }) {
    context.stream.plans().timed = true;
    context.stream.plans().compiles_from = 0;
  }
}

/// A device under test: uploads a computation's inputs and collects its results.
template <class Context>
class workbench {
 public:
  using T = typename Context::activation;
  using W = typename Context::weight;
  using device = typename Context::device;
  Context context{};

  /// Activations that all devices can store exactly with these numerics.
  std::vector<T> activations(std::size_t count, unsigned seed, double times = 1, double plus = 0) const {
    std::vector<T> all;
    for (const double value : random_values<double>(count, seed))
      all.push_back(static_cast<T>(static_cast<typename Context::numerics::compute>(value * times + plus)));
    return all;
  }

  template <class Number>
  const Number* in(const std::vector<Number>& values) {
    return upload(values);
  }
  /// Memory whose contents are not compared.
  template <class Number>
  Number* scratch(const std::vector<Number>& start) {
    return upload(start);
  }
  /// Memory for results, initialized with `start` or, by default, with NaN.
  T* out(std::size_t count) { return out(std::vector<T>(count, T(std::numeric_limits<W>::quiet_NaN()))); }
  W* out_weights(std::size_t count) {
    return out(std::vector<W>(count, std::numeric_limits<W>::quiet_NaN()));
  }
  std::uint32_t* out_indices(std::size_t count) { return out(std::vector<std::uint32_t>(count, 0xFFFFFFFF)); }
  template <class Number>
  Number* out(const std::vector<Number>& start) {
    Number* const data = upload(start);
    results_.push_back([this, data, count = start.size()] {
      std::vector<Number> host(count);
      device::read(context.stream, host.data(), data, count);
      std::vector<double> values;
      for (const Number& value : host) values.push_back(static_cast<double>(value));
      return values;
    });
    return data;
  }
  /// Adds a loss to the results, followed by 1 as a reference magnitude, since the loss may vanish.
  void loss(const typename Context::loss_value& value) {
    double result;
    if constexpr (std::same_as<typename Context::loss_value, double>) {
      result = value;
    } else {
      value.finalize(context);
      result = context.stream.take_loss();
    }
    results_.push_back([result] { return std::vector<double>{result, 1}; });
  }
  /// Adds the present values of device memory to the results.
  template <class Number>
  void values(const Number* data, std::size_t count) {
    std::vector<Number> host(count);
    device::read(context.stream, host.data(), data, count);
    results_.push_back([now = std::vector<double>(host.begin(), host.end())] { return now; });
  }

  std::vector<std::vector<double>> results() {
    std::vector<std::vector<double>> all;
    for (const auto& result : results_) all.push_back(result());
    return all;
  }

 private:
  template <class Number>
  Number* upload(const std::vector<Number>& values) {
    auto memory = std::make_shared<buffer<Number, device>>(values.size());
    device::write(context.stream, memory->data(), values.data(), values.size());
    memory_.push_back(memory);
    return memory->data();
  }

  std::vector<std::shared_ptr<void>> memory_;
  std::vector<std::function<std::vector<double>()>> results_;
};

/// The allowed error of results: relative to each value (its rounding) plus relative to the largest one.
struct tolerance {
  double relative_to_largest, relative_to_each = 0;
  constexpr tolerance(double largest, double each = 0)
      : relative_to_largest{largest}, relative_to_each{each} {}
};

/// The largest error beyond the relative error allowed for each value, divided by the largest expected
/// value; NaN if either side contains NaN.
inline double relative_error(const std::vector<double>& found, const std::vector<double>& expected,
                             double relative_to_each = 0) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double here = std::abs(found[i] - expected[i]) - relative_to_each * std::abs(expected[i]);
    difference = std::isnan(here) ? here : std::max(difference, here);
    if (std::isnan(difference)) return difference;
    largest = std::max(largest, std::abs(expected[i]));
  }
  return difference / std::max(largest, 1e-30);
}

/// Results, one list of values per output.
using results = std::vector<std::vector<double>>;

/// The CPU's results of a computation. How a device obtains them is specialized per device
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
    CHECK(relative_error(found[i], expected[i], within.relative_to_each) <= within.relative_to_largest);
  }
}

/// Checks that `compute(workbench)` gives the same results on the device as on the CPU. An emulated device
/// must also give identical bits with its threads in reverse order.
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

/// In double, in float, and with bfloat16 activations. In the last case results are computed in float and
/// rounded once, by at most 2^-9 of themselves. Intermediate activations that kernels pass on
/// (`rounded_intermediates` in sequence) have also been rounded by 2^-9 each.
template <class Device, class Compute>
void same_on_both(const Compute& compute, int rounded_intermediates = 0) {
  same_on_both<Device, fp64>(1e-12, compute);
  same_on_both<Device, fp32>(2e-5, compute);
  same_on_both<Device, bf16>({2e-5 + rounded_intermediates * 0x1p-9, 0x1p-8}, compute);
}

}  // namespace pretext::tests
