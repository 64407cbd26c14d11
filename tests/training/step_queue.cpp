#include "support/allocations.hpp"

#include <pretext/cpu.hpp>

#include "cuda/queued_steps.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("queued steps on the CPU equal those of a program that calls loader, augment and step") {
  loader_steps<on<cpu>>();
}

TEST_CASE("steps may be queued one by one or many at once") {
  const auto of = compose<small_byol>(lars{}, byol_views());
  CHECK(queued<on<cpu>>(of, 7, 1) == queued<on<cpu>>(of, 7, 7));
}

TEST_CASE("a queue continues where another one stopped") {
  const auto of = compose<small_mae>(adamw{}, mae_augmentation());
  const device_run<on<cpu>, small_mae, decltype(of.views)> run{.views = of.views};
  const auto rates = step_schedule(7);
  const auto learner = trainer_of<on<cpu>>(of);
  run.queue_for(*learner).run(std::span{rates}.first(4));
  auto second = run.queue_for(*learner);
  second.set_step(4);
  second.run(std::span{rates}.subspan(4));
  CHECK(second.steps() == 7);
  results expected = queued<on<cpu>>(of, 7, 7);
  expected.pop_back();  // the losses
  CHECK(buffers_of(*learner) == expected);
}

TEST_CASE("on the CPU a loss that is not finite throws when its step is queued") {
  using learner = trainer<small_byol, on<cpu>, adamw>;
  const auto rates = step_schedule(10);
  learner whole{{}, {}, 3}, broken{{}, {}, 3};
  step_queue whole_steps{whole, nan_batches<on<cpu>>{100}};
  step_queue broken_steps{broken, nan_batches<on<cpu>>{6}};
  whole_steps.run(std::span{rates}.first(6));
  CHECK_THROWS_WITH_AS(broken_steps.enqueue(rates), doctest::Contains("not a number"), std::runtime_error);
  CHECK(broken_steps.steps() == 6);
  CHECK(optimized_buffers(broken) == optimized_buffers(whole));
  CHECK_THROWS_AS(broken_steps.wait_losses(), std::runtime_error);
}

TEST_CASE("a queue refuses more steps than it stores losses for") {
  trainer<small_byol, on<cpu>, sgd> learner;
  step_queue queue{learner, nan_batches<on<cpu>>{100}};
  const std::vector<step_values> many(queue.max_queued + 1);
  CHECK_THROWS_WITH_AS(queue.enqueue(many), doctest::Contains("losses of 1024 steps"), std::invalid_argument);
}

TEST_CASE("queued steps on the CPU allocate nothing after the first two") {
  const auto of = compose<small_byol>(sgd{}, byol_views());
  const device_run<on<cpu>, small_byol, decltype(of.views)> run{.views = of.views};
  const auto learner = trainer_of<on<cpu>>(of);
  auto queue = run.queue_for(*learner);
  const auto rates = step_schedule(6);
  queue.run(std::span{rates}.first(3));
  const std::size_t before = allocations;
  queue.run(std::span{rates}.subspan(3));
  CHECK(allocations == before);
}

namespace {

/// Compares `trainer::step(views, batch, values)` with a program that calls augment and step.
template <class Composition>
void takes_the_same_steps(const Composition& of) {
  const auto learner = trainer_of<on<cpu>>(of);
  loader batches{small_image_set(), {.batch = 4, .seed = 5}};
  results expected = unqueued<on<cpu>>(of, 5);
  std::vector<double> losses;
  for (const step_values& values : step_schedule(5, of.drop_path))
    losses.push_back(learner->step(of.views, batches.next(), values));
  results found = buffers_of(*learner);
  found.push_back(losses);
  CHECK(found == expected);
}

}  // namespace

TEST_CASE("a step on a loader's batch is augment and step, keyed by the loader's seed") {
  takes_the_same_steps(compose<small_byol>(sgd{}, byol_views()));
  takes_the_same_steps(compose<small_mae>(adamw{}, mae_augmentation()));
}

TEST_CASE("queued steps without a target momentum take that of the method's target") {
  const auto train = [](std::optional<double> momentum) {
    trainer<small_byol, on<cpu>, sgd> learner{{.target = {.momentum = 0.7}}, {}, 3};
    step_queue queue{learner, nan_batches<on<cpu>>{100}};
    const step_values values[]{{.learning_rate = 0.1, .target_momentum = momentum}};
    queue.run(values);
    queue.run(values);
    return buffers_of(learner);
  };
  CHECK(train({}) == train(0.7));
  CHECK(train({}) != train(0.9));
}
