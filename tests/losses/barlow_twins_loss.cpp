#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/barlow_twins_loss.hpp>
#include <pretext/losses/check_loss.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("Barlow Twins agrees with lightly, solo-learn and stable-pretraining") {
  const auto file = tests::reference("loss_barlow_twins");
  for (const auto& entry : tests::hyper_parameter(file, "lambdas").elements()) {
    const double lambda = entry.get<double>();
    const std::string text = entry.text();
    tests::agrees_with_case(barlow_twins_loss{.lambda = lambda}, file, "biased_" + text);
    tests::agrees_with_case(barlow_twins_loss{.lambda = lambda, .weight = 0.1}, file, "solo_" + text);
    tests::agrees_with_case(barlow_twins_loss{.lambda = lambda, .standard = standardisation::unbiased}, file,
                            "unbiased_" + text);
  }
}

TEST_CASE("the gradient of Barlow Twins matches finite differences and is added") {
  for (const auto standard : {standardisation::biased, standardisation::unbiased}) {
    const auto found =
        check_loss<7>(barlow_twins_loss{.lambda = 0.02, .standard = standard}, {.batch = 10, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("columns that do not vary have a finite gradient") {
  for (const auto standard : {standardisation::biased, standardisation::unbiased}) {
    std::vector<double> z(8 * 3, 2.), dz(z.size());
    on<cpu, fp64> context;
    const double value = barlow_twins_loss{.standard = standard}(
        context, reads<on<cpu, fp64>, shape<3>>{z.data(), 8}, writes<on<cpu, fp64>, shape<3>>{dz.data(), 8});
    CHECK(value == doctest::Approx(3));
    for (const double slope : dz) CHECK(detail::is_finite(slope));
  }
}

TEST_CASE("Barlow Twins refuses an odd number of rows, a single image and a weight below 0") {
  on<cpu, fp64> context;
  std::vector<double> z(15), dz(15);
  const auto run = [&](std::size_t rows) {
    return barlow_twins_loss{}(context, reads<on<cpu, fp64>, shape<3>>{z.data(), rows},
                               writes<on<cpu, fp64>, shape<3>>{dz.data(), rows});
  };
  CHECK_THROWS_WITH_AS(run(5), "barlow_twins_loss: 5 rows are not two views of every image",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(
      run(2), "barlow_twins_loss: statistics over a batch need more than one image; take a larger batch",
      std::invalid_argument);
  CHECK_THROWS_AS(barlow_twins_loss{.lambda = -1}.check(), std::invalid_argument);
}
