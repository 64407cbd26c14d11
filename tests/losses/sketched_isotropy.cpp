#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/sketched_isotropy.hpp>

#include "losses/batch_cases.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("sketched isotropy agrees with LeJEPA for given directions, in both terms") {
  const auto file = tests::reference("loss_lejepa");
  const auto columns = file.at("directions").as<double>();  // (D, slices)
  const std::size_t d = file.at("directions").shape[0], slices = file.at("directions").shape[1];
  const auto give = [&](auto& state) {
    state.draws = false;
    for (std::size_t m = 0; m < slices; ++m)
      for (std::size_t c = 0; c < d; ++c)
        state.directions.data()[m * d + c] =
            static_cast<std::remove_reference_t<decltype(*state.directions.data())>>(columns[c * slices + m]);
  };
  const double lambda = hyper_parameter(file, "lam").get<double>();
  for (const auto& [label, weight] :
       {std::pair{"lejepa", lambda}, std::pair{"sigreg", 1.}, std::pair{"invariance", 0.}})
    agrees_with_batch<6>(sketched_isotropy{.lambda = weight, .slices = slices}, file, label,
                         {.p = {"global1", "global2", "local1", "local2"}}, give);
}

TEST_CASE("in one dimension the terms are those of the formulas") {
  const sketched_isotropy of_slices{.lambda = 1, .slices = 3, .global_views = 1};
  CHECK(run_batch<fp64, 1>(of_slices, 4, {-1, 0, 1, 2}, {}).value ==
        doctest::Approx(.5581903498642768).epsilon(1e-12));
  CHECK(run_batch<fp64, 1>(of_slices, 4, {0, 0, 0, 0}, {}).value ==
        doctest::Approx(1.6081903189266582).epsilon(1e-12));
  const std::vector<double> views{1, 2, 0, 2, 0, 1, 0, 1, 3, 3, 1, 0, 1, 1, 0, 2, 1, 1, 1, 1, 2, 2, 0, 0};
  CHECK(run_batch<fp64, 3>(sketched_isotropy{.lambda = 0, .slices = 1}, 4, views, {}).value ==
        doctest::Approx(.125).epsilon(1e-14));
}

TEST_CASE("every step and every seed has other directions, which are unit rows") {
  on<cpu, fp64> context;
  const auto z = detail::normal_values(2 * 6 * 3, 1);
  const sketched_isotropy loss{.slices = 5};
  std::vector<double> drawn;
  const auto value = [&](double steps, double seed) {
    std::vector<double>* const to = &drawn;
    sketched_isotropy::state<on<cpu, fp64>, shape<3>, shape<3>> state;
    state.start(context, loss, 0);
    set_values(state, {{"steps_and_seed", {steps, seed}}});
    std::vector<double> gradient(z.size());
    loss_batch<on<cpu, fp64>, shape<3>> batch{.images = 6};
    batch.p = {z.data(), 12};
    batch.dp = {gradient.data(), 12};
    const double found = loss(context, batch, state);
    to->assign(state.directions.data(), state.directions.data() + 15);
    return found;
  };
  const double first = value(0, 5);
  for (std::size_t m = 0; m < 5; ++m)
    CHECK(drawn[3 * m] * drawn[3 * m] + drawn[3 * m + 1] * drawn[3 * m + 1] +
              drawn[3 * m + 2] * drawn[3 * m + 2] ==
          doctest::Approx(1));
  CHECK(value(0, 5) == first);
  CHECK(value(1, 5) != first);
  CHECK(value(0, 6) != first);
  CHECK(run_batch<fp64, 3>(loss, 6, z, {}).state.at("steps_and_seed") == std::vector<double>{1, 5});
}

TEST_CASE("the gradient of sketched isotropy matches finite differences and is added, for any batch") {
  for (const std::size_t n : {5u, 70u})  // more than one run of samples
    for (const std::size_t views : {2u, 4u}) {
      const auto found = check_loss<4>(sketched_isotropy{.lambda = .3, .slices = 6},
                                       loss_check_batch{views, 0}, {.batch = n * views, .threads = 2});
      CHECK_MESSAGE(found.error < 1e-6, found.text());
    }
}

TEST_CASE("sketched isotropy is finite for rows of zeros") {
  stays_finite<5>(sketched_isotropy{.slices = 4}, 3, 0);
}

TEST_CASE("sketched isotropy refuses fewer views than global ones, and hyper-parameters out of range") {
  refuses<4>(sketched_isotropy{.slices = 4}, 2, std::vector<double>(8, 1.));
  CHECK_THROWS_AS(sketched_isotropy{.lambda = 2}.check(), std::invalid_argument);
  CHECK_THROWS_AS(sketched_isotropy{.slices = 0}.check(), std::invalid_argument);
  CHECK_THROWS_AS(sketched_isotropy{.t_max = 0}.check(), std::invalid_argument);
}

TEST_CASE("NaN among the rows makes the loss NaN") { passes_nan_on<5>(sketched_isotropy{.slices = 4}, 2, 0); }
