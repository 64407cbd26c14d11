#include <pretext/optimizers/adamw.hpp>

#include "optimizers.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {
/// The golden two steps: w = 1, gradients .5 and -.25, rate .1.
template <std::size_t N>
std::array<double, 2> golden(const adamw& optimizer, const parameters<N>& table) {
  on<cpu, fp64> context;
  adamw::state_type<on<cpu, fp64>> state{table};
  double w[]{1, 1};
  const double first[]{0.5, 0.5}, second[]{-0.25, -0.25};
  optimizer(context, table, state, 0.1, first, w);
  const double after_one = w[0];
  optimizer(context, table, state, 0.1, second, w);
  return {after_one, w[0]};
}
}  // namespace

TEST_CASE("AdamW takes torch's two steps") {
  const auto w =
      golden(adamw{.beta1 = 0.9, .beta2 = 0.95, .epsilon = 1e-8, .weight_decay = 0.05}, two_weights);
  CHECK(w[0] == Approx(0.895000002).epsilon(1e-11));
  CHECK(w[1] == Approx(0.8636880578658274).epsilon(1e-14));
}

TEST_CASE("AdamW's decay is decoupled from the gradient and leaves out excluded parameters") {
  const auto plain = golden(adamw{.weight_decay = 0}, two_weights);
  const auto decayed = golden(adamw{.weight_decay = 0.05}, two_weights);
  CHECK(decayed[0] == Approx(plain[0] - 0.1 * 0.05).epsilon(1e-14));
  CHECK(golden(adamw{.weight_decay = 0.05}, two_excluded) == plain);
  CHECK(golden(adamw{.weight_decay = 0.05, .decay_all = true}, two_excluded) == decayed);
}

TEST_CASE("AdamW's first step has the size of the learning rate, whatever that of the gradient") {
  for (const double scale : {1e-3, 1.0, 1e3}) {
    const auto before = numbers<double>(parameter_count(plausible_table), 7);
    const auto after = train<fp64>(adamw{.weight_decay = 0}, plausible_table, 1, 1, scale);
    CHECK(std::abs(after[0] - before[0]) == Approx(0.1).epsilon(1e-4));
  }
}

TEST_CASE(
    "AdamW: same bits on any number of threads, running statistics unchanged, fp32 close to fp64, "
    "resumable") {
  keeps_its_promises(adamw{});
}

TEST_CASE("AdamW gives groups their own rates, freezes them, and decays by the step") {
  follows_rates_of_groups(adamw{.weight_decay = 0.1});
}

TEST_CASE("AdamW counts the steps of each group, without those in which it is frozen") {
  using Context = on<cpu, fp64>;
  Context context;
  const adamw optimizer{.weight_decay = 0};
  adamw::state_type<Context> held{two_groups}, with_rate_0{two_groups}, one_group{plausible_table};
  CHECK(one_group.steps.size() == 1);
  CHECK(held.steps.size() == 2);
  auto value = numbers<double>(parameter_count(two_groups), 7), moving = value;
  const auto before = value;
  for (unsigned step = 0; step < 3; ++step) {
    const auto gradient = numbers<double>(value.size(), 100 + step);
    step_rates frozen{0.1}, still{0.1};
    if (step < 2) frozen.freeze(1);
    if (step < 2) still.learning_rate[1] = 0;
    optimizer(context, two_groups, held, frozen, gradient.data(), value.data());
    optimizer(context, two_groups, with_rate_0, still, gradient.data(), moving.data());
  }
  CHECK(held.steps.data()[0] == 3);
  CHECK(held.steps.data()[1] == 1);
  CHECK(with_rate_0.steps.data()[1] == 3);
  // DINO's last layer takes a first step, of the learning rate's size; DINOv2's has moments already.
  const std::size_t last = two_groups[1].offset;
  CHECK(std::abs(value[last] - before[last]) == Approx(0.1).epsilon(1e-6));
  CHECK(std::abs(moving[last] - before[last]) != Approx(0.1).epsilon(1e-3));
}

TEST_CASE("a table with a group above 3 is refused in a sentence") {
  auto table = two_weights;
  table[0].group = 4;
  CHECK_THROWS_WITH_AS((adamw::state_type<on<cpu>>{table}),
                       "parameter w is in group 4; groups are numbered from 0 to 3", std::invalid_argument);
}
