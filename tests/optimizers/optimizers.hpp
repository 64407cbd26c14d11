#pragma once
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/optimize.hpp>

namespace pretext::tests {

/// A weight larger than one chunk, a bias, a running statistic and a constant table between trained tensors,
/// one more weight.
inline constexpr auto plausible_table = with_offsets(std::array{
    parameter{"conv.weight", {100, 400}, initialiser::normal(1)},
    parameter{"conv.bias", {100}, initialiser::constant(0), parameter_decay::no},
    parameter{
        "bn.running_mean", {100}, initialiser::constant(0), parameter_decay::no, parameter_role::buffer},
    parameter{"pos_embed", {1, 5, 9}, initialiser::normal(1), parameter_decay::yes, parameter_role::constant},
    parameter{"fc.weight", {10, 77}, initialiser::normal(1)},
});

/// A vector of two weights, and nothing else.
inline constexpr auto two_weights = with_offsets(std::array{parameter{"w", {2}, initialiser::constant(0)}});
inline constexpr auto two_excluded =
    with_offsets(std::array{parameter{"b", {2}, initialiser::constant(0), parameter_decay::no}});

template <class W>
std::vector<W> numbers(std::size_t count, unsigned seed) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{0.1, 1};
  std::vector<W> drawn(count);
  for (W& number : drawn) number = static_cast<W>(draw(random));
  return drawn;
}

/// Runs an optimizer over a table with the same random gradients each time.
template <class Numerics, std::size_t N, class Optimizer>
auto train(const Optimizer& optimizer, const parameters<N>& table, std::size_t steps, std::size_t threads,
           double gradient_scale = 1) {
  using W = typename Numerics::weight;
  on<cpu, Numerics> context{.stream = cpu::stream{threads}};
  typename Optimizer::template state_type<on<cpu, Numerics>> state{table};
  auto value = numbers<W>(parameter_count(table), 7);
  for (std::size_t step = 0; step < steps; ++step) {
    auto gradient = numbers<W>(parameter_count(table), 100 + unsigned(step));
    for (W& g : gradient) g = static_cast<W>(static_cast<double>(g) * gradient_scale);
    optimizer(context, table, state, 0.1 * double(step + 1), gradient.data(), value.data());
  }
  return value;
}

/// Checks what every optimizer promises.
template <class Optimizer>
void keeps_its_promises(const Optimizer& optimizer) {
  const auto before = numbers<float>(parameter_count(plausible_table), 7);
  const auto one = train<fp32>(optimizer, plausible_table, 3, 1);
  CHECK(one == train<fp32>(optimizer, plausible_table, 3, 2));
  CHECK(one == train<fp32>(optimizer, plausible_table, 3, 3));
  for (const parameter& p : plausible_table)
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i) {
      CAPTURE(p.path);
      CHECK((one[i] == before[i]) == (p.role != parameter_role::trainable));
    }

  const auto precise = train<fp64>(optimizer, plausible_table, 3, 2);
  for (std::size_t i = 0; i < one.size(); ++i)
    CHECK(one[i] == doctest::Approx(precise[i]).epsilon(1e-4).scale(1));

  using Context = on<cpu>;
  Context context;
  typename Optimizer::template state_type<Context> state{two_weights};
  float number = 0;
  CHECK_THROWS_WITH_AS(
      optimizer(context, plausible_table, state, 0.1, &number, &number),
      "the optimizer's state was made for a table of 1 parameters, not 5; construct it from the table of the "
      "method that it trains",
      std::invalid_argument);

  // All state is visible to for_each_buffer, and training resumed from a copy continues identically.
  const auto halves = [&](bool interrupted) {
    using state_type = typename Optimizer::template state_type<on<cpu, fp64>>;
    on<cpu, fp64> where;
    auto value = numbers<double>(2, 3);
    auto first = state_type{two_weights}, second = state_type{two_weights};
    const auto step = [&](state_type& kept, unsigned seed) {
      const auto gradient = numbers<double>(2, seed);
      optimizer(where, two_weights, kept, 0.1, gradient.data(), value.data());
    };
    step(first, 1);
    step(first, 2);
    if (interrupted) {
      std::vector<std::vector<double>> saved;
      first.for_each_buffer(
          [&](std::string_view, auto* data, std::size_t size) { saved.emplace_back(data, data + size); });
      std::size_t next = 0;
      second.for_each_buffer([&](std::string_view, auto* data, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i)
          data[i] = static_cast<std::remove_pointer_t<decltype(data)>>(saved[next][i]);
        ++next;
      });
    }
    step(interrupted ? second : first, 3);
    return value;
  };
  CHECK(halves(true) == halves(false));
}

}  // namespace pretext::tests
