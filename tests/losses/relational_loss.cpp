#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/relational_loss.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the relational loss agrees with solo-learn's ReSSL, and the target's unit rows enter the queue") {
  const auto file = tests::reference("loss_ressl");
  const auto queue = file.at("queue").as<double>();
  const std::size_t capacity = file.at("queue").shape[0], n = file.at("k").shape[0];
  const relational_loss loss{capacity, hyper_parameter(file, "temperature_q").get<double>(),
                             hyper_parameter(file, "temperature_k").get<double>()};
  const auto found =
      agrees_with_batch<9>(loss, file, "ressl",
                           {.p = {"q"},
                            .target = {"k"},
                            .first_target_view = 1,
                            .state = {{"queue", queue}, {"queue_position", {double(capacity - n)}}}});
  const auto k = file.at("k").as<double>();
  auto after = queue;
  for (std::size_t i = 0; i < n; ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < 9; ++c) squares += k[i * 9 + c] * k[i * 9 + c];
    for (std::size_t c = 0; c < 9; ++c) after[(capacity - n + i) * 9 + c] = k[i * 9 + c] / std::sqrt(squares);
  }
  CHECK(relative_difference(found.state.at("queue"), after) < 1e-14);
  CHECK(found.state.at("queue_position")[0] == 0);
}

TEST_CASE(
    "the gradient of the relational loss matches finite differences and is added, for any number of views") {
  for (const loss_check_batch& of : {loss_check_batch{1, 1, 1}, loss_check_batch{3, 1, 3}}) {
    const auto found = check_loss<7>(relational_loss{12, .3, .2}, of, {.batch = 6 * of.views, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("the relational loss is finite for rows of zeros and tiny temperatures") {
  stays_finite<5>(relational_loss{6, 1e-4, 1e-4}, 1, 1, 1);
}

TEST_CASE("the relational loss refuses a target of two views, and hyper-parameters out of range") {
  const std::vector<double> q(8, 1.);
  refuses<2>(relational_loss{.capacity = 4}, 2, q, q);
  refuses<2>(relational_loss{.capacity = 6}, 4, q, q, 1);
  CHECK_THROWS_AS(relational_loss{.capacity = 1}.check(), std::invalid_argument);
  CHECK_THROWS_AS(relational_loss{.target_temperature = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") {
  passes_nan_on<5>(relational_loss{.capacity = 12}, 1, 1, 1);
}
