#include <pretext/optimizers/any_optimizer.hpp>

#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/detail/make_state.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>

#include "optimizers.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

using any = any_optimizer<sgd, lars, adamw>;
using Context = on<cpu, fp64>;

std::vector<double> three_steps(const auto& optimizer) {
  Context context;
  auto state = make_state<Context>(optimizer, std::span<const parameter>{plausible_table});
  auto value = numbers<double>(parameter_count(plausible_table), 7);
  for (unsigned step = 0; step < 3; ++step) {
    const auto gradient = numbers<double>(value.size(), 100 + step);
    optimizer(context, plausible_table, state, 0.1, gradient.data(), value.data());
  }
  return value;
}

}  // namespace

TEST_CASE("a selected optimizer takes the steps of the optimizer itself") {
  CHECK(three_steps(any{sgd{.weight_decay = 0.1}}) == three_steps(sgd{.weight_decay = 0.1}));
  CHECK(three_steps(any{lars{.weight_decay = 0.1}}) == three_steps(lars{.weight_decay = 0.1}));
  CHECK(three_steps(any{adamw{}}) == three_steps(adamw{}));
}

TEST_CASE("a checkpoint has the buffers of the selected optimizer, under its names") {
  const auto names = [](const any& optimizer) {
    std::vector<std::string> all;
    auto state = optimizer.make_state<Context>(plausible_table);
    state.for_each_buffer([&](std::string_view name, auto*, std::size_t) { all.emplace_back(name); });
    return all;
  };
  CHECK(names(any{sgd{}}) == std::vector<std::string>{"velocity"});
  CHECK(names(any{adamw{}}) == std::vector<std::string>{"mean", "square", "steps"});
}

TEST_CASE("optimizers are equal if the same one is selected with the same hyper-parameters") {
  CHECK(any{sgd{}} == any{sgd{}});
  CHECK(any{sgd{}} != any{sgd{.momentum = 0.8}});
  CHECK(any{sgd{}} != any{adamw{}});
}
