#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/queue_contrast.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

namespace {

std::vector<double> both(std::vector<double> first, const std::vector<double>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

TEST_CASE(
    "the contrast with a queue agrees with MoCo, lightly and solo-learn, in one direction and in both") {
  const auto file = tests::reference("loss_moco_queue");
  const auto first = file.at("queue1").as<double>(), second = file.at("queue2").as<double>();
  const std::size_t capacity = file.at("queue1").shape[0];
  const double position = hyper_parameter(file, "one_queue_twice_position").get<double>();
  for (const auto& entry : hyper_parameter(file, "temperatures").elements()) {
    const queue_contrast loss{capacity, entry.get<double>()};
    agrees_with_batch<9>(
        loss, file, "one_sided_" + entry.text(),
        {.p = {"q1"}, .target = {"k2"}, .first_target_view = 1, .state = {{"queue", first}}});
    agrees_with_batch<9>(loss, file, "one_queue_twice_" + entry.text(),
                         {.p = {"q1", "q2"},
                          .target = {"k1", "k2"},
                          .state = {{"queue", first}, {"queue_position", {position}}}});
    agrees_with_batch<9>(
        queue_contrast{capacity, entry.get<double>(), key_queues::per_view}, file,
        "two_queues_" + entry.text(),
        {.p = {"q1", "q2"}, .target = {"k1", "k2"}, .state = {{"queue", both(first, second)}}});
  }
}

TEST_CASE(
    "unit keys enter the queue at its position when the step is complete, and the position wraps around") {
  const auto file = tests::reference("loss_moco_queue");
  const std::size_t capacity = file.at("queue1").shape[0], n = file.at("q1").shape[0];
  const auto found = agrees_with_batch<9>(
      queue_contrast{capacity, 0.2}, file, "one_sided_0.2",
      {.p = {"q1"},
       .target = {"k2"},
       .first_target_view = 1,
       .state = {{"queue", file.at("queue1").as<double>()}, {"queue_position", {double(capacity - n)}}}});
  CHECK(relative_difference(found.state.at("queue"),
                            file.at("queue1_after_enqueueing_k2_at_the_end").as<double>()) < 1e-14);
  CHECK(found.state.at("queue_position")[0] == 0);
}

TEST_CASE("with both directions the keys of view 2 enter first, or each view's its own queue") {
  const std::vector<double> q(8, 1.), k{1, 0, 0, 1, -1, 0, 0, -1};  // two images
  const auto one = run_batch<fp64, 2>(queue_contrast{6}, 2, q, k, 0, {}, {{"queue_position", {4}}});
  const auto queue = one.state.at("queue");
  CHECK(std::vector<double>(queue.begin() + 8, queue.end()) == std::vector<double>{-1, 0, 0, -1});
  CHECK(std::vector<double>(queue.begin(), queue.begin() + 4) == std::vector<double>{1, 0, 0, 1});
  CHECK(one.state.at("queue_position")[0] == 2);
  const auto two = run_batch<fp64, 2>(queue_contrast{.capacity = 4, .queues = key_queues::per_view}, 2, q, k);
  const auto queues = two.state.at("queue");
  CHECK(std::vector<double>(queues.begin(), queues.begin() + 4) == std::vector<double>{1, 0, 0, 1});
  CHECK(std::vector<double>(queues.begin() + 8, queues.begin() + 12) == std::vector<double>{-1, 0, 0, -1});
  CHECK(two.state.at("queue_position")[0] == 2);
}

TEST_CASE("two images against three keys have the loss that the formula gives") {
  const state_values queue{{"queue", {0, 1, -1, 0, .6, -.8}}};
  for (const auto& [temperature, expected] : {std::pair{.07, 11.775192689594395}, {.2, 4.362535304246009}}) {
    // The capacity is no multiple of 2, so each image is a batch.
    const queue_contrast loss{3, temperature};
    const double first = run_batch<fp64, 2>(loss, 1, {1, 0}, {.6, .8}, 1, {}, queue).value;
    const double second = run_batch<fp64, 2>(loss, 1, {0, 1}, {.8, -.6}, 1, {}, queue).value;
    CHECK((first + second) / 2 == doctest::Approx(expected).epsilon(1e-13));
  }
}

TEST_CASE("a queue starts as different unit rows, the same for the same seed") {
  on<cpu, fp32> context;
  const queue_contrast loss{.capacity = 50};
  const auto start = [&](std::uint64_t seed) {
    queue_contrast::state<on<cpu, fp32>, shape<3>, shape<3>> state;
    state.start(context, loss, seed);
    return values_of(state);
  };
  const auto rows = start(1).at("queue");
  CHECK(start(1).at("queue") == rows);
  CHECK(start(2).at("queue") != rows);
  double mean[3]{};
  for (std::size_t i = 0; i < rows.size(); i += 3) {
    CHECK(rows[i] * rows[i] + rows[i + 1] * rows[i + 1] + rows[i + 2] * rows[i + 2] ==
          doctest::Approx(1).epsilon(1e-6));
    for (std::size_t c = 0; c < 3; ++c) mean[c] += rows[i + c] / 50;
  }
  for (const double each : mean) CHECK(std::abs(each) < .3);
}

TEST_CASE("the gradient of the contrast with a queue matches finite differences and is added") {
  for (const auto& [loss, of] : {std::pair{queue_contrast{12, .3}, loss_check_batch{1, 1, 1}},
                                 {queue_contrast{12, .3}, loss_check_batch{2, 2}},
                                 {queue_contrast{12, .3, key_queues::per_view}, loss_check_batch{2, 2}}}) {
    const auto found = check_loss<7>(loss, of, {.batch = 6 * of.views, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("the contrast with a queue is finite for rows of zeros and a tiny temperature") {
  stays_finite<5>(queue_contrast{.capacity = 6}, 1, 1, 1);
  stays_finite<5>(queue_contrast{.capacity = 6, .temperature = 1e-4}, 2, 2);
}

TEST_CASE("the contrast with a queue refuses capacities that a batch does not divide, and other views") {
  const std::vector<double> q(8, 1.);
  refuses<2>(queue_contrast{.capacity = 6}, 4, q, q, 1);
  refuses<2>(queue_contrast{.capacity = 2}, 2, q, q);
  refuses<2>(queue_contrast{.capacity = 8}, 1, q, q);
  refuses<2>(queue_contrast{.capacity = 8, .queues = key_queues::per_view}, 4, q, q, 1);
  CHECK_THROWS_AS(queue_contrast{.capacity = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(queue_contrast{.temperature = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  passes_nan_on<5>(queue_contrast{.capacity = 12}, 1, 1, 1);
  passes_nan_on<5>(queue_contrast{.capacity = 12}, 2, 2);
}
