// What holds for every method: the bits depend on neither threads nor interruptions, the loss is finite, a
// step whose loss is NaN changes nothing that a checkpoint holds.
#include "methods/every_method.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <set>
#include <string>

#include <pretext/cpu.hpp>
#include <pretext/optimizers/sgd.hpp>

using namespace pretext;
using tests::checkpoint_of;
using tests::for_each_method;
using tests::step_of_every_method;

namespace {

template <class Method>
using learner_of = trainer<Method, on<cpu>, sgd>;

}  // namespace

TEST_CASE("every method gives the same bits on one and on three threads, and finite losses") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    learner_of<Method> one{method, {}, 3, cpu::stream{1}}, three{method, {}, 3, cpu::stream{3}};
    for (std::size_t step = 0; step < 3; ++step) {
      const double loss = step_of_every_method(one, step);
      CHECK(std::isfinite(loss));
      CHECK(loss == step_of_every_method(three, step));
    }
    CHECK(checkpoint_of(one) == checkpoint_of(three));
  });
}

TEST_CASE("every method goes on from its checkpoint with the bits of a run that was not interrupted") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    learner_of<Method> whole{method, {}, 3, cpu::stream{2}}, second{method, {}, 4, cpu::stream{2}};
    for (std::size_t step = 0; step < 3; ++step) step_of_every_method(whole, step);
    const auto saved = checkpoint_of(whole);
    std::set<std::string_view> names;
    for (const auto& [buffer, values] : saved) CHECK_MESSAGE(names.insert(buffer).second, buffer);
    std::size_t at = 0;
    second.for_each_buffer([&]<class B>(std::string_view buffer, B* data, std::size_t count) {
      REQUIRE(saved[at].first == buffer);
      REQUIRE(saved[at].second.size() == count);
      for (std::size_t i = 0; i < count; ++i) data[i] = static_cast<B>(saved[at].second[i]);
      ++at;
    });
    for (std::size_t step = 3; step < 5; ++step)
      CHECK(step_of_every_method(whole, step) == step_of_every_method(second, step));
    CHECK(checkpoint_of(whole) == checkpoint_of(second));
  });
}

TEST_CASE("a NaN in the views of any method is an error that changes neither weights nor the loss's state") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    learner_of<Method> learner{method, {}, 3, cpu::stream{2}};
    step_of_every_method(learner, 0);
    const auto before = checkpoint_of(learner);
    using groups = detail::view_groups<typename learner_of<Method>::view_shapes, Method::views>;
    typename groups::template owned<on<cpu>> memory;
    const auto views = groups::resize(memory, tests::images_of_every_method);
    groups::for_each(views, [&](const auto& group) {
      for (std::size_t i = 0; i < group.size(); ++i) group.data[i] = std::numeric_limits<float>::quiet_NaN();
    });
    std::vector<std::uint64_t> samples(tests::images_of_every_method);
    training_step values{.learning_rate = 0.05, .samples = samples};
    if (Method::has_target) values.target_momentum = 1;
    CHECK_THROWS_AS(learner.step(typename learner_of<Method>::views_type{views}, values), non_finite_loss);
    const auto after = checkpoint_of(learner);
    for (std::size_t row = 0; row < before.size(); ++row) {
      // Running statistics are those of forward passes, which have happened.
      if (before[row].first == "value" || before[row].first == "target") continue;
      CHECK_MESSAGE(before[row].second == after[row].second, before[row].first);
    }
    for (const parameter& p : Method::parameters)
      if (p.role == parameter_role::trainable &&
          p.name() != "prediction_head.weight")  // prototypes, which any step begins by normalising
        CHECK(std::equal(before[0].second.begin() + std::ptrdiff_t(p.offset),
                         before[0].second.begin() + std::ptrdiff_t(p.offset + p.size()),
                         after[0].second.begin() + std::ptrdiff_t(p.offset)));
  });
}
