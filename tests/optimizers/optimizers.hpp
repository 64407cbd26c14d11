#pragma once
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/core/step_rates.hpp>
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

/// Two tensors of two groups, the first one larger than a chunk, and each of them alone.
inline constexpr auto two_groups = [] {
  auto table = with_offsets(std::array{parameter{"trunk.weight", {130, 140}, initialiser::normal(1)},
                                       parameter{"last.weight", {9, 7}, initialiser::normal(1)}});
  table[1].group = 1;
  return table;
}();

/// What some steps make of two tensors of different groups with `rates(step)`, and what they make of one of
/// them alone with that tensor's rate, in the steps in which its group is not frozen.
template <class Optimizer, class Rates>
void groups_are_independent(const Optimizer& optimizer, const Rates& rates) {
  using Context = on<cpu, fp64>;
  using state_type = typename Optimizer::template state_type<Context>;
  constexpr std::size_t steps = 5, size = parameter_count(two_groups);
  Context context{.stream = cpu::stream{2}};
  const auto gradient = [](std::size_t step) { return numbers<double>(size, 100 + unsigned(step)); };
  state_type together{two_groups};
  auto value = numbers<double>(size, 7);
  for (std::size_t step = 0; step < steps; ++step)
    optimizer(context, two_groups, together, rates(step), gradient(step).data(), value.data());

  for (unsigned group = 0; group < 2; ++group) {
    CAPTURE(group);
    auto alone = std::array{two_groups[group]};
    alone[0].offset = alone[0].group = 0;
    state_type state{alone};
    const std::size_t first = two_groups[group].offset, count = two_groups[group].size();
    auto its_value = numbers<double>(size, 7);
    for (std::size_t step = 0; step < steps; ++step) {
      step_rates now = rates(step);
      if (now.is_frozen(group)) continue;
      now.frozen = 0;
      now.learning_rate[0] = now.learning_rate[group];
      optimizer(context, alone, state, now, gradient(step).data() + first, its_value.data() + first);
    }
    for (std::size_t i = first; i < first + count; ++i) REQUIRE(value[i] == its_value[i]);
  }
}

/// Checks what every optimizer does with groups, frozen groups and a decay that changes.
template <class Optimizer>
void follows_rates_of_groups(Optimizer optimizer) {
  groups_are_independent(optimizer, [](std::size_t) { return step_rates{0.1}; });
  groups_are_independent(optimizer, [](std::size_t step) {
    step_rates rates{0.1 / double(step + 1)};
    rates.learning_rate[1] = step < 2 ? 0 : 0.03;
    return rates;
  });
  for (const unsigned frozen : {0u, 1u})
    groups_are_independent(optimizer, [=](std::size_t step) {
      step_rates rates{0.1};
      rates.weight_decay = 0.1 * double(step);
      if (step < 2 || step == 3) rates.freeze(frozen);
      return rates;
    });

  // A decay of the step is the optimizer's with that decay.
  const auto stepped = [&](double own, double of_step) {
    on<cpu, fp64> context;
    typename Optimizer::template state_type<on<cpu, fp64>> state{plausible_table};
    auto value = numbers<double>(parameter_count(plausible_table), 7);
    step_rates rates{0.1};
    rates.weight_decay = of_step;
    optimizer.weight_decay = own;
    for (unsigned step = 0; step < 2; ++step)
      optimizer(context, plausible_table, state, rates, numbers<double>(value.size(), 50 + step).data(),
                value.data());
    return value;
  };
  CHECK(stepped(0.3, 0.02) == stepped(0.02, -1));
  CHECK(stepped(0.3, 0) == stepped(0, -1));
  CHECK(stepped(0.3, 0.02) != stepped(0.3, -1));
}

}  // namespace pretext::tests
