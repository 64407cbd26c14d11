#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/nearest_neighbor_contrast.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the contrast with nearest neighbours agrees with solo-learn's NNCLR") {
  const auto file = tests::reference("loss_nnclr");
  const auto queue = file.at("queue").as<double>();
  const std::size_t capacity = file.at("queue").shape[0], n = file.at("z1").shape[0];
  for (const auto& entry : hyper_parameter(file, "temperatures").elements()) {
    const auto found = agrees_with_batch<9>(
        nearest_neighbor_contrast{capacity, entry.get<double>()}, file, "nnclr_" + entry.text(),
        {.p = {"p1", "p2"}, .target = {"z1", "z2"}, .state = {{"queue", queue}}});
    // The first view's unit embeddings have taken the first places.
    const auto z = file.at("z1").as<double>();
    auto after = queue;
    for (std::size_t i = 0; i < n; ++i) {
      double squares = 0;
      for (std::size_t c = 0; c < 9; ++c) squares += z[i * 9 + c] * z[i * 9 + c];
      for (std::size_t c = 0; c < 9; ++c) after[i * 9 + c] = z[i * 9 + c] / std::sqrt(squares);
    }
    CHECK(relative_difference(found.state.at("queue"), after) < 1e-14);
    CHECK(found.state.at("queue_position")[0] == double(n));
  }
}

TEST_CASE("two images with a queue of three rows have the loss that the formula gives") {
  const state_values queue{{"queue", {0, 1, -1, 0, .6, -.8, 0, -1}}};  // the last row is nearest to none
  const std::vector<double> z{1, 0, 0, 1, .6, .8, .8, -.6};
  const auto found = run_batch<fp64, 2>(nearest_neighbor_contrast{.capacity = 4}, 2, z, z, 0, {}, queue);
  CHECK(found.value == doctest::Approx(12.600012795134047).epsilon(1e-13));
}

TEST_CASE("of equally near neighbours the first one is taken, and a row of zeros takes the first of all") {
  const state_values twice{{"queue", {0, 1, 1, 0, 1, 0, -1, 0}}}, once{{"queue", {0, 1, 1, 0, 0, -1, -1, 0}}};
  const nearest_neighbor_contrast loss{.capacity = 4};
  const std::vector<double> p{1, 2, 3, 4}, z{1, 0, 0, 0};
  CHECK(run_batch<fp64, 2>(loss, 1, p, z, 0, {}, twice).value ==
        run_batch<fp64, 2>(loss, 1, p, z, 0, {}, once).value);
}

TEST_CASE("the gradient of the contrast with neighbours matches finite differences and is added") {
  const auto found =
      check_loss<7>(nearest_neighbor_contrast{12, .3}, loss_check_batch{}, {.batch = 12, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}

TEST_CASE("the contrast with neighbours is finite for rows of zeros") {
  stays_finite<5>(nearest_neighbor_contrast{.capacity = 6}, 2, 2);
}

TEST_CASE("the contrast with neighbours refuses other numbers of views, and hyper-parameters out of range") {
  const std::vector<double> p(8, 1.);
  const nearest_neighbor_contrast loss{.capacity = 8};
  refuses<2>(loss, 4, p, p);
  refuses<2>(loss, 1, p, p);
  CHECK_THROWS_AS(nearest_neighbor_contrast{.capacity = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(nearest_neighbor_contrast{.temperature = -1}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the predictions makes the loss NaN") {
  const std::vector<double> p{1, 2, 3, 4, 5, 6, 7, std::numeric_limits<double>::quiet_NaN()}, z(8, 1.);
  CHECK(detail::is_nan(run_batch<fp64, 2>(nearest_neighbor_contrast{.capacity = 4}, 2, p, z).value));
}
