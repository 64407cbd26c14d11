#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/decoupled_contrastive.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("DCL and DCLW agree with lightly") {
  const auto file = tests::reference("loss_dcl");
  const double sigma = tests::hyper_parameter(file, "sigma").get<double>();
  for (const auto& entry : tests::hyper_parameter(file, "temperatures").elements()) {
    const double temperature = entry.get<double>();
    tests::agrees_with_case(decoupled_contrastive{temperature}, file, "dcl_" + entry.text());
    tests::agrees_with_case(decoupled_contrastive{temperature, sigma}, file, "dclw_" + entry.text());
  }
}

TEST_CASE("the gradient of DCL matches finite differences and is added") {
  const auto found = check_loss<7>(decoupled_contrastive{.temperature = 0.3}, {.batch = 10, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}

TEST_CASE("DCL refuses an odd number of rows, a single image and a temperature of 0") {
  on<cpu, fp64> context;
  std::vector<double> z(15), dz(15);
  const auto run = [&](std::size_t rows) {
    return decoupled_contrastive{}(context, reads<on<cpu, fp64>, shape<3>>{z.data(), rows},
                                   writes<on<cpu, fp64>, shape<3>>{dz.data(), rows});
  };
  CHECK_THROWS_AS(run(5), std::invalid_argument);
  CHECK_THROWS_AS(run(2), std::invalid_argument);
  CHECK_THROWS_AS(decoupled_contrastive{.temperature = 0}.check(), std::invalid_argument);
}
