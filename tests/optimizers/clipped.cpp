#include <pretext/optimizers/clipped.hpp>

#include <algorithm>
#include <string>

#include "optimizers.hpp"

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/any_optimizer.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/layer_decay.hpp>
#include <pretext/optimizers/sgd.hpp>

using namespace pretext;
using namespace pretext::tests;
using doctest::Approx;

namespace {

/// Two modules whose tensors alternate, one tensor larger than a chunk, a running statistic and a frozen
/// tensor.
constexpr auto modules = [] {
  const auto start = initialiser::normal(1);
  auto table = with_offsets(std::array{
      parameter{"backbone.weight", {130, 140}, start},
      parameter{"head.weight", {9, 7}, start},
      parameter{"backbone.bias", {11}, start, parameter_decay::no},
      parameter{"backbone.mean", {11}, start, parameter_decay::no, parameter_role::buffer},
      parameter{"head.frozen", {5, 5}, start},
      parameter{"head.bias", {9}, start, parameter_decay::no},
  });
  table[1].group = 1;
  table[4].lr_multiplier = 0;
  table[0].depth = 0;
  return table;
}();

bool learns(const parameter& p) { return p.role == parameter_role::trainable && p.lr_multiplier != 0; }
std::string module_of(const parameter& p) { return std::string{p.name().substr(0, p.name().find('.'))}; }

/// The clipped gradient, by loops over the table.
std::vector<double> clipped_by_hand(std::vector<double> gradient, double norm, clip_by by) {
  std::vector<double> result = gradient;
  for (const parameter& p : modules) {
    double squares = 0;
    for (const parameter& other : modules) {
      const bool together = by == clip_by::whole ||
                            (by == clip_by::module && module_of(other) == module_of(p)) ||
                            other.name() == p.name();
      for (std::size_t i = other.offset; together && learns(other) && i < other.offset + other.size(); ++i)
        squares += gradient[i] * gradient[i];
    }
    const double factor = norm / (std::sqrt(squares) + 1e-6);
    for (std::size_t i = p.offset; learns(p) && factor < 1 && i < p.offset + p.size(); ++i)
      result[i] *= factor;
  }
  return result;
}

/// Values after some steps, and the gradient of the last step as the optimizer left it.
template <class Numerics = fp64, class Optimizer>
auto steps(const Optimizer& optimizer, std::size_t threads = 1, double gradient_scale = 1) {
  using Context = on<cpu, Numerics>;
  using W = typename Numerics::weight;
  Context context{.stream = cpu::stream{threads}};
  auto state = make_state<Context>(optimizer, std::span<const parameter>{modules});
  std::array<std::vector<W>, 2> all{numbers<W>(parameter_count(modules), 7)};
  for (unsigned step = 0; step < 3; ++step) {
    all[1] = numbers<W>(all[0].size(), 100 + step);
    for (W& g : all[1]) g *= static_cast<W>(gradient_scale);
    optimizer(context, modules, state, 0.1, all[1].data(), all[0].data());
  }
  return all;
}

}  // namespace

TEST_CASE("a gradient longer than the norm is scaled to it, but for 1e-6") {
  on<cpu, fp64> context;
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole}) {
    const clipped<sgd> optimizer{.optimizer = {.momentum = 0}, .norm = 2.5, .by = by};
    auto state = optimizer.make_state<on<cpu, fp64>>(two_weights);
    double w[]{0, 0}, gradient[]{3, 4};
    optimizer(context, two_weights, state, 1, gradient, w);
    CHECK(w[0] == Approx(-3 * 2.5 / (5 + 1e-6)).epsilon(1e-15));
    CHECK(w[1] == Approx(-4 * 2.5 / (5 + 1e-6)).epsilon(1e-15));
    CHECK(gradient[0] == -w[0]);
  }
}

TEST_CASE("tensors, modules or the whole gradient have a norm together; what does not learn has none") {
  const auto gradient = numbers<double>(parameter_count(modules), 102);
  std::vector<std::vector<double>> all;
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole}) {
    const double norm = by == clip_by::tensor ? 3 : 8;
    const auto expected = clipped_by_hand(gradient, norm, by);
    const auto found = steps(clipped<sgd>{.norm = norm, .by = by})[1];
    for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-13));
    all.push_back(found);
  }
  CHECK(all[1] != all[2]);
  // 8 < ‖g‖ of the trunk only: modules are clipped by themselves
  const std::size_t head = modules[1].offset;
  CHECK(all[1][head] != all[2][head]);
}

TEST_CASE("gradients that are short enough pass unchanged") {
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole}) {
    const auto plain = steps<fp32>(sgd{.weight_decay = 0.1});
    CHECK(steps<fp32>(clipped<sgd>{.optimizer = {.weight_decay = 0.1}, .norm = 1e3, .by = by}) == plain);
  }
}

TEST_CASE("a clipped gradient has the same length however long it was") {
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole}) {
    const auto once = steps(clipped<sgd>{.norm = 0.5, .by = by}),
               scaled = steps(clipped<sgd>{.norm = 0.5, .by = by}, 1, 1e6);
    for (std::size_t i = 0; i < once[0].size(); i += 7)
      CHECK(once[0][i] == Approx(scaled[0][i]).epsilon(1e-5));
  }
}

TEST_CASE("clipping has the same bits on any number of threads") {
  for (const clip_by by : {clip_by::tensor, clip_by::module, clip_by::whole}) {
    const clipped<adamw> optimizer{.norm = 0.1, .by = by};
    const auto one = steps<fp32>(optimizer);
    CHECK(one == steps<fp32>(optimizer, 2));
    CHECK(one == steps<fp32>(optimizer, 3));
  }
}

TEST_CASE("clipping composes with every optimizer, inside and outside") {
  const auto matches = [](const auto& optimizer, const auto& expected) {
    CHECK(steps(optimizer)[0] == steps(expected)[0]);
  };
  const clipped<adamw> decayed{.norm = 0.1};
  matches(layer_decay<clipped<adamw>>{decayed, .5}, clipped<layer_decay<adamw>>{{{}, .5}, 0.1});
  using any = any_optimizer<sgd, clipped<lars>, clipped<adamw>>;
  matches(any{decayed}, decayed);
  matches(any{clipped<lars>{.norm = 0.1}}, clipped<lars>{.norm = 0.1});
  matches(any{sgd{}}, sgd{});
  matches(clipped<any_optimizer<sgd, adamw>>{{adamw{}}, 0.1}, decayed);
}

TEST_CASE("a frozen group is clipped with the others and stays") {
  on<cpu, fp64> context;
  const clipped<sgd> optimizer{.norm = 1, .by = clip_by::whole};
  auto state = optimizer.make_state<on<cpu, fp64>>(modules);
  auto gradient = numbers<double>(parameter_count(modules), 102), value = gradient;
  const auto before = value, expected = clipped_by_hand(gradient, 1, clip_by::whole);
  step_rates rates{0.1};
  rates.freeze(1);
  optimizer(context, modules, state, rates, gradient.data(), value.data());
  CHECK(value[modules[1].offset] == before[modules[1].offset]);
  CHECK(value[0] == Approx(before[0] - 0.1 * expected[0]).epsilon(1e-13));
}

TEST_CASE("what is clipped together may change between steps, as a hyper-parameter") {
  on<cpu, fp64> context;
  clipped<sgd> optimizer{.norm = 1, .by = clip_by::tensor};
  auto state = optimizer.make_state<on<cpu, fp64>>(modules);
  const auto before = numbers<double>(parameter_count(modules), 102);
  auto value = before;
  for (const clip_by by : {clip_by::whole, clip_by::module}) {
    optimizer.by = by;
    auto gradient = before;
    optimizer(context, modules, state, 0.1, gradient.data(), value.data());
    CHECK(gradient[0] == Approx(clipped_by_hand(before, 1, by)[0]).epsilon(1e-13));
  }
}

TEST_CASE("a checkpoint has the buffers of the clipped optimizer, and equality sees every member") {
  std::vector<std::string> names;
  auto state = clipped<adamw>{}.make_state<on<cpu>>(modules);
  state.for_each_buffer([&](std::string_view name, auto*, std::size_t) { names.emplace_back(name); });
  CHECK(names == std::vector<std::string>{"mean", "square", "steps"});
  CHECK(clipped<sgd>{} == clipped<sgd>{});
  CHECK(clipped<sgd>{} != clipped<sgd>{.norm = 1});
  CHECK(clipped<sgd>{} != clipped<sgd>{.by = clip_by::whole});
  CHECK(clipped<sgd>{} != clipped<sgd>{.optimizer = {.momentum = 0}});
}

TEST_CASE("an infinite norm clips nothing, not even an infinite gradient") {
  on<cpu, fp64> context;
  const clipped<sgd> optimizer{.norm = std::numeric_limits<double>::infinity()};
  CHECK_NOTHROW(optimizer.check());
  auto state = optimizer.make_state<on<cpu, fp64>>(modules);
  auto gradient = numbers<double>(parameter_count(modules), 102);
  gradient[0] = std::numeric_limits<double>::infinity();
  const auto before = gradient;
  auto value = gradient;
  optimizer(context, modules, state, 0.1, gradient.data(), value.data());
  CHECK(gradient == before);
  CHECK(value[1] == Approx(0.9 * before[1]).epsilon(1e-13));
}

TEST_CASE("a norm that clips everything, and another table, are refused in a sentence") {
  for (const double norm : {0.0, -1.0, std::numeric_limits<double>::quiet_NaN()})
    CHECK_THROWS_WITH_AS(clipped<sgd>{.norm = norm}.check(), doctest::Contains("must be positive"),
                         std::invalid_argument);
  CHECK_THROWS_AS((clipped<sgd>{.optimizer = {.momentum = 2}}.check()), std::invalid_argument);
  on<cpu> context;
  const clipped<sgd> optimizer;
  auto state = optimizer.make_state<on<cpu>>(two_weights);
  float number = 0;
  CHECK_THROWS_WITH_AS(optimizer(context, modules, state, 0.1, &number, &number),
                       doctest::Contains("was made for a table of 1 parameters, not 6"),
                       std::invalid_argument);
}
