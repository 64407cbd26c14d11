#include <pretext/optimizers/lars.hpp>

#include "optimizers.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {
/// The golden two steps: w = (3, 4), gradients (1, 0) and (0, 1), rates 1 and 2, decay .1.
template <std::size_t N>
std::array<std::array<double, 2>, 2> golden(lars optimizer, const parameters<N>& table) {
  optimizer.weight_decay = 0.1;
  on<cpu, fp64> context;
  lars::state_type<on<cpu, fp64>> state{table};
  double w[]{3, 4};
  const double first[]{1, 0}, second[]{0, 1};
  optimizer(context, table, state, 1, first, w);
  const std::array<double, 2> after_one{w[0], w[1]};
  optimizer(context, table, state, 2, second, w);
  return {after_one, {w[0], w[1]}};
}

void matches(const std::array<double, 2>& w, double a, double b) {
  CHECK(w[0] == Approx(a).epsilon(2e-10));
  CHECK(w[1] == Approx(b).epsilon(2e-10));
}
}  // namespace

TEST_CASE("each variant of LARS takes the steps of the code that it is named after") {
  const auto simclr = golden(lars{.variant = lars_variant::simclr}, two_weights);
  matches(simclr[0], 2.995221105, 3.998529571);
  matches(simclr[1], 2.988829482, 3.987435429);
  const auto byol = golden(lars{.variant = lars_variant::byol}, two_weights);
  matches(byol[0], 2.995221105, 3.998529571);
  matches(byol[1], 2.984528476, 3.986112042);
  const auto sum = golden(lars{.variant = lars_variant::sum_of_norms}, two_weights);
  matches(sum[0], 2.995666667, 3.998666667);
  matches(sum[1], 2.985870532, 3.986938785);
  const auto clipped = golden(lars{.variant = lars_variant::sum_of_norms, .clip = true}, two_weights);
  matches(clipped[1], 2.986868599, 3.991602726);
}

TEST_CASE("excluded parameters are neither decayed nor adapted, except by LARC") {
  // plain momentum: w1 = (2, 4), v2 = (.9, 1), w2 = w1 - 2·v2
  for (const lars_variant variant : {lars_variant::byol, lars_variant::sum_of_norms}) {
    const auto w = golden(lars{.variant = variant}, two_excluded);
    CHECK(w[0] == std::array{2.0, 4.0});
    matches(w[1], 0.2, 2);
  }
  // with the rate inside the momentum: v1 = (1, 0), v2 = (.9, 2)
  matches(golden(lars{.variant = lars_variant::simclr}, two_excluded)[1], 1.1, 2);
  const auto everything = golden(lars{.variant = lars_variant::sum_of_norms}, two_weights);
  CHECK(golden(lars{.variant = lars_variant::larc}, two_excluded) == everything);
  CHECK(golden(lars{.variant = lars_variant::sum_of_norms, .decay_all = true}, two_excluded) == everything);
}

TEST_CASE("without decay the size of the gradients does not change adapted weights, but excluded ones") {
  for (const lars_variant variant : {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms}) {
    const lars optimizer{.weight_decay = 0, .variant = variant, .epsilon = 0};
    const auto before = numbers<double>(parameter_count(plausible_table), 7);
    const auto once = train<fp64>(optimizer, plausible_table, 3, 1),
               scaled = train<fp64>(optimizer, plausible_table, 3, 1, 8);
    for (const parameter& p : plausible_table)
      for (std::size_t i = p.offset; i < p.offset + p.size(); i += 37) {
        const double moved = once[i] - before[i],
                     expected = p.weight_decay == parameter_decay::yes ? moved : 8 * moved;
        CHECK(scaled[i] - before[i] == Approx(expected).epsilon(1e-9));
      }
  }
}

TEST_CASE(
    "the norm of a tensor's first update is that of its weights times trust coefficient times learning "
    "rate") {
  const auto before = numbers<double>(parameter_count(plausible_table), 7);
  const auto after = train<fp64>(lars{.weight_decay = 0}, plausible_table, 1, 1);
  const parameter& p = plausible_table[0];
  double moved = 0, length = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    moved += (after[i] - before[i]) * (after[i] - before[i]);
    length += before[i] * before[i];
  }
  CHECK(std::sqrt(moved) == Approx(0.1 * 1e-3 * std::sqrt(length)).epsilon(1e-9));
}

TEST_CASE("a tensor that is zero, or has no gradient, is not adapted") {
  on<cpu, fp64> context;
  const double gradient[]{0.5, -0.5}, none[]{0, 0};
  for (const lars_variant variant : {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms}) {
    lars::state_type<on<cpu, fp64>> state{two_weights}, fresh{two_weights};
    const lars optimizer{.weight_decay = 0.1, .variant = variant};
    double zero[]{0, 0}, still[]{3, 4};
    optimizer(context, two_weights, state, 1, gradient, zero);
    CHECK(zero[0] == Approx(-0.5));
    CHECK(zero[1] == Approx(0.5));
    lars{.weight_decay = 0, .variant = variant}(context, two_weights, fresh, 1, none, still);
    CHECK(still[0] == 3);
    CHECK(still[1] == 4);
  }
}

TEST_CASE("a learning rate of zero moves nothing") {
  on<cpu, fp64> context;
  for (const bool clip : {false, true}) {
    lars::state_type<on<cpu, fp64>> state{two_weights};
    double w[]{3, 4};
    const double gradient[]{1, 2};
    lars{.variant = lars_variant::sum_of_norms, .clip = clip}(context, two_weights, state, 0, gradient, w);
    CHECK(w[0] == 3);
    CHECK(w[1] == 4);
  }
}

TEST_CASE(
    "LARS: same bits on any number of threads, running statistics unchanged, fp32 close to fp64, resumable") {
  for (const lars_variant variant :
       {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms, lars_variant::larc})
    keeps_its_promises(lars{.weight_decay = 1e-2, .trust_coefficient = 0.1, .variant = variant});
  keeps_its_promises(lars{.trust_coefficient = 0.1, .nesterov = true});
}

TEST_CASE("LARS gives groups their own rates, freezes them, and decays by the step") {
  for (const lars_variant variant :
       {lars_variant::simclr, lars_variant::byol, lars_variant::sum_of_norms, lars_variant::larc})
    for (const bool clip : {false, true})
      follows_rates_of_groups(
          lars{.weight_decay = 0.1, .trust_coefficient = 0.1, .variant = variant, .clip = clip});
}
