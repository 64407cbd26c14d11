#include <pretext/training/step_values.hpp>

#include <pretext/cpu.hpp>
#include <pretext/kernels/gpu/operations.hpp>

#include "cuda/compare_with_cpu.hpp"
#include "cuda/values_by_step.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

using learner = trainer<follows_values, on<cpu, fp64>, sgd>;

/// The values after a step of plain SGD; the last layer, group 1, begins at element 10.
struct one_step {
  std::vector<double> before, after;
  double loss;

  explicit one_step(const training_step& step, double weight_decay = 0) {
    learner t{{}, {.momentum = 0, .weight_decay = weight_decay}, {.seed = 3}};
    const auto copy = [&] {
      const double* const first = t.memory().value.data();
      return std::vector<double>(first, first + follows_values::size);
    };
    before = copy();
    const double pixels[8]{};
    loss = t.step({pixels, 2}, step);
    after = copy();
  }
  double moved(std::size_t i) const { return before[i] - after[i]; }
};
constexpr std::size_t last = 10;
static_assert(follows_values::parameters[2].name() == "last.weight" &&
              follows_values::parameters[2].offset == last && follows_values::parameters[2].group == 1);

}  // namespace

TEST_CASE("a step's rate of a group, its decay and the values of its loss are used") {
  const one_step plain{{.learning_rate = 0.1}};
  CHECK(plain.loss == 0.5);
  CHECK(plain.moved(0) == doctest::Approx(0.1 * 0.5));
  CHECK(plain.moved(last) == doctest::Approx(0.1 * 0.5 * (last + 1)));

  const one_step other{{.learning_rate = 0.1,
                        .weight_decay = 0.3,
                        .groups = {{{.learning_rate = 0.2}}},
                        .loss = {{2, -1, -1, -1}}},
                       0.7};
  CHECK(other.loss == 2);
  CHECK(other.moved(0) == doctest::Approx(0.1 * (2 + 0.3 * other.before[0])));
  CHECK(other.moved(last) == doctest::Approx(0.2 * (2 * (last + 1) + 0.3 * other.before[last])));
}

TEST_CASE("a frozen group of a step stays as it is") {
  const one_step held{{.learning_rate = 0.1, .groups = {{{.frozen = true}}}}, 0.7};
  CHECK(held.moved(0) != 0);
  for (std::size_t i = last; i < follows_values::size; ++i) CHECK(held.after[i] == held.before[i]);
}

TEST_CASE("a step on a batch, on views and in a queue has the same values") {
  const auto values = changing_values(6);
  learner by_step{{}, {}, {.seed = 3}}, by_keys{{}, {}, {.seed = 3}}, queued{{}, {}, {.seed = 3}};
  step_queue queue{queued, same_batch<on<cpu, fp64>>{}};
  const double pixels[8]{};
  for (const step_values& now : values) {
    const double loss = by_step.step({pixels, 2}, training_step{.learning_rate = now.learning_rate,
                                                                .target_momentum = now.target_momentum,
                                                                .weight_decay = now.weight_decay,
                                                                .groups = now.groups,
                                                                .loss = now.loss});
    CHECK(by_keys.step({pixels, 2}, now, {}) == loss);
    CHECK(queue.run({&now, 1}).front() == loss);
  }
  for (std::size_t i = 0; i < follows_values::size; ++i) {
    CHECK(by_keys.memory().value.data()[i] == by_step.memory().value.data()[i]);
    CHECK(queued.memory().value.data()[i] == by_step.memory().value.data()[i]);
  }
}

TEST_CASE("a replayed step has the rates, frozen groups, decay and loss values of its own number") {
  values_by_step<emulated>();
}

TEST_CASE("values out of range, and of a group without parameters, are refused in a sentence") {
  learner t{{}, {}, {.seed = 3}};
  const double pixels[8]{};
  const auto refused = [&](const training_step& step, const char* why) {
    CHECK_THROWS_WITH_AS(t.step({pixels, 2}, step), doctest::Contains(why), std::invalid_argument);
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  refused({.learning_rate = -1}, "trainer: learning_rate -1 must be a finite number that is not negative");
  refused({.weight_decay = -0.1}, "trainer: weight_decay -0.1 must be");
  refused({.groups = {{{.learning_rate = nan}}}}, "trainer: learning_rate of group 1 ");
  refused({.groups = {{{}, {.frozen = true}}}},
          "values for group 2, but the method has no parameters in it; put a layer there with in_group<2, "
          "layer>");
  refused({.loss = {{nan, -1, -1, -1}}}, "a value of the loss in this step is nan");
}
