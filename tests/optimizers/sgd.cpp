#include <pretext/optimizers/sgd.hpp>

#include "optimizers.hpp"

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {
/// Two steps by hand on (3, 4) with gradients (1, 0) and (0, 1), rates 1 and 2.
template <std::size_t N>
std::vector<double> two_steps(const sgd& optimizer, const parameters<N>& table) {
  on<cpu, fp64> context;
  sgd::state_type<on<cpu, fp64>> state{table};
  std::vector<double> w{3, 4};
  const double first[]{1, 0}, second[]{0, 1};
  optimizer(context, table, state, 1, first, w.data());
  optimizer(context, table, state, 2, second, w.data());
  return w;
}
}  // namespace

TEST_CASE("momentum and decay follow torch's rule") {
  // v1 = (1.3, .4), w1 = (1.7, 3.6); v2 = .9·v1 + (.17, 1.36) = (1.34, 1.72), w2 = w1 - 2·v2
  const auto w = two_steps(sgd{.momentum = 0.9, .weight_decay = 0.1}, two_weights);
  CHECK(w[0] == Approx(-0.98).epsilon(1e-14));
  CHECK(w[1] == Approx(0.16).epsilon(1e-14));
}

TEST_CASE("Nesterov's momentum looks one step ahead") {
  // w1 = (3,4) - 1.9·(1.3,.4) = (.53, 3.24); g2 = (.053, 1.324); v2 = .9·(1.3,.4) + g2 = (1.223, 1.684)
  const auto w = two_steps(sgd{.momentum = 0.9, .nesterov = true, .weight_decay = 0.1}, two_weights);
  CHECK(w[0] == Approx(0.53 - 2 * (0.053 + 0.9 * 1.223)).epsilon(1e-13));
  CHECK(w[1] == Approx(3.24 - 2 * (1.324 + 0.9 * 1.684)).epsilon(1e-13));
}

TEST_CASE("weight decay leaves out excluded parameters unless decay_all is set") {
  const auto plain = two_steps(sgd{.momentum = 0.9}, two_weights);
  CHECK(two_steps(sgd{.momentum = 0.9, .weight_decay = 0.1}, two_excluded) == plain);
  CHECK(two_steps(sgd{.momentum = 0.9, .weight_decay = 0.1, .decay_all = true}, two_excluded) ==
        two_steps(sgd{.momentum = 0.9, .weight_decay = 0.1}, two_weights));
}

TEST_CASE(
    "SGD: same bits on any number of threads, running statistics unchanged, fp32 close to fp64, resumable") {
  keeps_its_promises(sgd{.momentum = 0.9, .weight_decay = 1e-2});
  keeps_its_promises(sgd{.momentum = 0.9, .nesterov = true});
}

TEST_CASE("SGD gives groups their own rates, freezes them, and decays by the step") {
  follows_rates_of_groups(sgd{.weight_decay = 0.1});
  follows_rates_of_groups(sgd{.nesterov = true, .weight_decay = 0.1});
}
