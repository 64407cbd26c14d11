#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/swapped_prediction.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

template <class Numerics>
std::vector<double> codes_of(const std::vector<double>& scores, std::size_t columns, double epsilon,
                             std::size_t iterations, const std::vector<std::uint8_t>& used = {}) {
  on<cpu, Numerics> context{.stream = cpu::stream{2}};
  using T = typename Numerics::activation;
  const detail::loss_operations at{context};
  const std::vector<T> from(scores.begin(), scores.end());
  std::vector<T> q(scores.size());
  detail::sinkhorn(at, scores.size() / columns, columns, {epsilon}, iterations, from.data(),
                   used.empty() ? nullptr : used.data(), q.data());
  return {q.begin(), q.end()};
}

std::vector<double> joined(std::vector<double> first, const std::vector<double>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

swapped_prediction loss_of(const safetensors& file) {
  return {hyper_parameter(file, "temperature").get<double>(), hyper_parameter(file, "epsilon").get<double>(),
          hyper_parameter(file, "iterations").get<std::size_t>()};
}

const std::vector<std::string> high{"high1", "high2"}, crops{"high1", "high2", "low1", "low2"};

}  // namespace

TEST_CASE("codes agree with the official code, after any number of iterations and with a queue") {
  const auto file = tests::reference("loss_swav");
  const std::size_t k = file.at("high1").shape[1];
  const swapped_prediction loss = loss_of(file);
  for (const std::string crop : {"1", "2"}) {
    const auto scores = file.at("high" + crop).as<double>(), queue = file.at("queue" + crop).as<double>();
    const auto compare = [&](const std::vector<double>& all, std::size_t iterations,
                             const std::string& name) {
      const auto expected = file.at(name).as<double>();
      const auto first = [&](std::vector<double> found) {
        found.resize(expected.size());
        return found;
      };
      CHECK(relative_difference(first(codes_of<fp64>(all, k, loss.epsilon, iterations)), expected) < 1e-13);
      CHECK(relative_difference(first(codes_of<fp32>(all, k, loss.epsilon, iterations)), expected) < 2e-5);
    };
    compare(scores, loss.iterations, "code" + crop);
    compare(joined(scores, queue), loss.iterations, "code" + crop + "_with_queue");
    if (crop == "1")
      for (const std::size_t iterations : {1u, 5u})
        compare(scores, iterations, "code1_after_" + std::to_string(iterations) + "_iterations");
  }
}

TEST_CASE("codes of two samples are those of the formula, and rows that are left out take no part") {
  const std::vector<double> scores{.9, .1, -.2, .8, .3, 0};
  CHECK(relative_difference(codes_of<fp64>(scores, 3, .05, 3),
                            {.8670515051, .0664742474, .0664742474, .0159085299, .4920457351, .4920457351}) <
        1e-9);
  CHECK(relative_difference(codes_of<fp64>(scores, 3, .5, 1),
                            {.4065440273, .2967279864, .2967279864, .2732350299, .3633824850, .3633824850}) <
        1e-9);
  const auto found = codes_of<fp64>({.9, .1, -.2, 99, 7, 5, .8, .3, 0}, 3, .5, 3, {1, 0, 1});
  CHECK(relative_difference(found, {.3993414064, .3003292968, .3003292968, 0, 0, 0, .2673303021, .3663348489,
                                    .3663348489}) < 1e-9);
}

TEST_CASE("codes sum to 1 also where an exponential would exceed the range of float") {
  const auto found = codes_of<fp32>({900, 100, -200, 800, 300, 0, 850, 0, -10}, 3, 10, 3);
  for (std::size_t row = 0; row < 3; ++row)
    CHECK(found[3 * row] + found[3 * row + 1] + found[3 * row + 2] == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("swapped prediction agrees with lightly, with two crops, with four, and with a queue") {
  const auto file = tests::reference("loss_swav");
  swapped_prediction loss = loss_of(file);
  agrees_with_batch<6, 7>(loss, file, "swav", {.p = crops, .target = high});
  agrees_with_batch<6, 7>(loss, file, "two_crops", {.p = high, .target = high});
  loss.capacity = file.at("queue1").shape[0];
  loss.queue_from_step = 4;
  const auto queue = joined(file.at("queue1").as<double>(), file.at("queue2").as<double>());
  agrees_with_batch<6, 7>(loss, file, "with_queue",
                          {.p = crops, .target = high, .state = {{"queue", queue}, {"queue_steps", {4}}}});
  // A queue whose last row is zero does not take part.
  const std::size_t k = file.at("high1").shape[1];
  auto unfinished = queue;
  for (const std::size_t end : {queue.size() / 2, queue.size()})
    std::fill_n(unfinished.begin() + std::ptrdiff_t(end - k), k, 0.);
  agrees_with_batch<6, 7>(loss, file, "swav", {.p = crops, .target = high, .state = {{"queue", unfinished}}});
}

TEST_CASE("the swapped prediction of two samples is that of the formula") {
  const std::vector<double> scores{.9, .1, -.2, .8, .3, 0, .5, .4, .1, .2, .9, 0};
  CHECK(run_batch<fp64, 3>(swapped_prediction{.epsilon = .5}, 2, scores, scores).value ==
        doctest::Approx(4.339011298119532).epsilon(1e-13));
}

TEST_CASE("embeddings enter the queue of their view at its head, from a given step on") {
  const std::vector<double> scores{.9, .1, .8, .3, .5, .4, .2, .9}, rows{1, 2, 3, 4, 5, 6, 7, 8};
  const swapped_prediction loss{.capacity = 3, .queue_from_step = 1};
  auto found = run_batch<fp64, 2>(loss, 2, scores, rows);
  CHECK(found.state.at("queue") == std::vector<double>(12));
  CHECK(found.state.at("queue_steps")[0] == 1);
  found = run_batch<fp64, 2>(loss, 2, scores, rows, 0, {}, found.state);
  CHECK(found.state.at("queue") == std::vector<double>{1, 2, 3, 4, 0, 0, 5, 6, 7, 8, 0, 0});
  found = run_batch<fp64, 2>(loss, 2, scores, {9, 9, 8, 8, 7, 7, 6, 6}, 0, {}, found.state);
  CHECK(found.state.at("queue") == std::vector<double>{9, 9, 8, 8, 1, 2, 7, 7, 6, 6, 5, 6});
  CHECK(found.state.at("queue_steps")[0] == 3);
}

TEST_CASE("the gradient of swapped prediction matches finite differences of the loss with constant codes") {
  // Codes have no gradient. With an enormous epsilon they hardly depend on the scores.
  const auto found = check_loss<6, 4>(swapped_prediction{.temperature = .3, .epsilon = 1e9, .capacity = 8},
                                      loss_check_batch{4, 2}, {.batch = 24, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}

TEST_CASE("swapped prediction is finite for rows of zeros and tiny temperatures") {
  stays_finite<5>(swapped_prediction{.capacity = 6}, 3, 2);
  stays_finite<5>(swapped_prediction{1e-4, 1e-4}, 2, 2);
}

TEST_CASE("swapped prediction refuses single views, small queues, and hyper-parameters out of range") {
  const std::vector<double> z(8, 1.);
  refuses<2>(swapped_prediction{.assigning_views = 1}, 4, z, z);
  refuses<2>(swapped_prediction{}, 4, z, z);
  refuses<2>(swapped_prediction{}, 2, z, z, 1);
  refuses<2>(swapped_prediction{.capacity = 1}, 2, z, z);
  CHECK_THROWS_AS(swapped_prediction{.epsilon = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(swapped_prediction{.iterations = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the scores makes the loss NaN") {
  const std::vector<double> z(12, 1.);
  for (const std::size_t at : {0u, 11u}) {
    auto scores = z;
    scores[at] = std::numeric_limits<double>::quiet_NaN();
    CHECK(detail::is_nan(run_batch<fp64, 2>(swapped_prediction{}, 2, scores, z).value));
  }
}
