// What holds for every method whose batches are cut into shards: it learns what it learns from whole batches,
// and its bits do not depend on the ranks that hold the shards.
#include "methods/every_method.hpp"
#include "support/for_each_shard.hpp"
#include "support/relative_difference.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <pretext/cpu.hpp>
#include <pretext/optimizers/sgd.hpp>

using namespace pretext;
using distributed::communicator;
using tests::for_each_method;

namespace {

/// Losses, last gradient, and what a checkpoint holds.
using state = std::vector<std::pair<std::string, std::vector<double>>>;

template <class Method>
state trained(const Method& method, communicator<cpu>* shards) {
  trainer<Method, on<cpu, fp64>, sgd> learner{method, {}, 3};
  learner.context().communicator = shards;
  std::vector<double> losses;
  for (std::size_t step = 0; step < 2; ++step)
    losses.push_back(tests::step_of_every_method(learner, step, shards ? shards->shard() : 0,
                                                 shards ? shards->shards() : 1));
  const double* const gradient = learner.memory().gradient.data();
  state all{{"losses", losses}, {"gradient", {gradient, gradient + Method::size}}};
  for (auto& [name, values] : tests::checkpoint_of(learner)) all.emplace_back(name, std::move(values));
  return all;
}

/// That of all shards, whose bits must be equal.
template <class Method>
state trained_by(std::size_t ranks, std::size_t shards, const Method& method) {
  std::vector<state> all(shards);
  tests::for_each_shard(ranks, shards,
                        [&](communicator<cpu>& own) { all[own.shard()] = trained(method, &own); });
  for (const state& each : all) CHECK(each == all[0]);
  return all[0];
}

}  // namespace

TEST_CASE("every method learns from two and from four shards what it learns from one batch") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    const state whole = trained(method, nullptr);
    for (const std::size_t shards : {2u, 4u}) {
      CAPTURE(shards);
      const state cut = trained_by(shards, shards, method);
      REQUIRE(cut.size() == whole.size());
      for (std::size_t i = 0; i < whole.size(); ++i) {
        REQUIRE(cut[i].second.size() == whole[i].second.size());
        CHECK_MESSAGE(tests::relative_difference(cut[i].second, whole[i].second) < 1e-12, whole[i].first);
      }
    }
  });
}

TEST_CASE("the bits of every method do not depend on the ranks that hold its shards") {
  for_each_method([]<class Method>(const std::string& name, const Method& method) {
    CAPTURE(name);
    const state four = trained_by(4, 4, method);
    for (const std::size_t ranks : {1u, 2u}) CHECK(trained_by(ranks, 4, method) == four);
  });
}
