#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/tico_loss.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("TiCo agrees with lightly in two steps, whose covariance moves before it is used") {
  const auto file = tests::reference("loss_tico");
  const tico_loss loss{hyper_parameter(file, "beta").get<double>(),
                       hyper_parameter(file, "rho").get<double>()};
  state_values state;
  for (const std::string call : {"0", "1"}) {
    state = agrees_with_batch<9>(
                loss, file, "call" + call,
                {.p = {"z1_" + call}, .target = {"z2_" + call}, .first_target_view = 1, .state = state})
                .state;
    CHECK(relative_difference(state.at("covariance"), file.at("covariance" + call).as<double>()) < 1e-13);
  }
}

TEST_CASE("the first loss of two orthogonal embeddings is that of the formula") {
  CHECK(run_batch<fp64, 2>(tico_loss{}, 2, {1, 0, 0, 1}, {.6, .8, .8, -.6}, 1).value ==
        doctest::Approx(1.4).epsilon(1e-14));
}

TEST_CASE("the gradient of TiCo matches finite differences of the loss with a constant covariance") {
  // The covariance has no gradient: with beta near 1 it hardly depends on the batch.
  const auto z = detail::normal_values(6 * 7, 1), target = detail::normal_values(6 * 7, 2);
  auto covariance = detail::normal_values(49, 3);
  for (std::size_t i = 0; i < 7; ++i)
    for (std::size_t j = 0; j < i; ++j) covariance[i * 7 + j] = covariance[j * 7 + i];
  const state_values given{{"covariance", covariance}};
  const tico_loss loss{.beta = 1 - 1e-13};
  auto at = z;
  const auto gradient = run_batch<fp64, 7>(loss, 6, z, target, 1, {}, given).gradient;
  const auto found = check_gradient(
      at, gradient, [&] { return run_batch<fp64, 7>(loss, 6, at, target, 1, {}, given).value; });
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}

TEST_CASE("TiCo is finite for rows of zeros") { stays_finite<5>(tico_loss{}, 1, 1, 1); }

TEST_CASE("TiCo refuses other numbers of views, and hyper-parameters out of range") {
  const std::vector<double> z(8, 1.);
  refuses<2>(tico_loss{}, 2, z, z);
  refuses<2>(tico_loss{}, 4, z);
  CHECK_THROWS_AS(tico_loss{.beta = 1}.check(), std::invalid_argument);
  CHECK_THROWS_AS(tico_loss{.rho = -1}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") { passes_nan_on<5>(tico_loss{}, 1, 1, 1); }
