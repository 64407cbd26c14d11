#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/vicreg_loss.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("VICReg agrees with lightly and solo-learn") {
  const auto file = tests::reference("loss_vicreg");
  tests::agrees_with_case(vicreg_loss{}, file, "vicreg");
  tests::agrees_with_case(vicreg_loss{.variance = 50}, file, "solo");
  tests::agrees_with_case(vicreg_loss{10, 5, 2}, file, "weights_10_5_2");
}

TEST_CASE("the gradient of VICReg matches finite differences and is added, term by term") {
  for (const vicreg_loss& loss : {vicreg_loss{1, 0, 0}, vicreg_loss{0, 1, 0}, vicreg_loss{0, 0, 1}}) {
    const auto found = check_loss<7>(loss, {.batch = 10, .threads = 2});
    CHECK_MESSAGE(found.error < 1e-6, found.text());
  }
}

TEST_CASE("VICReg refuses an odd number of rows, a single image and weights below 0") {
  on<cpu, fp64> context;
  std::vector<double> z(15), dz(15);
  const auto run = [&](std::size_t rows) {
    return vicreg_loss{}(context, reads<on<cpu, fp64>, shape<3>>{z.data(), rows},
                         writes<on<cpu, fp64>, shape<3>>{dz.data(), rows});
  };
  CHECK_THROWS_AS(run(5), std::invalid_argument);
  CHECK_THROWS_AS(run(2), std::invalid_argument);
  CHECK_THROWS_AS(vicreg_loss{.covariance = -1}.check(), std::invalid_argument);
}
