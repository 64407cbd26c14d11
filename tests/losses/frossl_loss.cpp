#include <doctest/doctest.h>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/losses/check_loss.hpp>
#include <pretext/losses/frossl_loss.hpp>

#include "losses/cases.hpp"

using namespace pretext;

TEST_CASE("FroSSL agrees with lightly") {
  tests::agrees_with_case(frossl_loss{}, tests::reference("loss_frossl"), "frossl");
}

TEST_CASE("the gradient of FroSSL matches finite differences and is added") {
  const auto found = check_loss<7>(frossl_loss{.invariance = 0.7}, {.batch = 10, .threads = 2});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
}

TEST_CASE("FroSSL refuses an odd number of rows, a single image and a weight below 0") {
  on<cpu, fp64> context;
  std::vector<double> z(15), dz(15);
  const auto run = [&](std::size_t rows) {
    return frossl_loss{}(context, reads<on<cpu, fp64>, shape<3>>{z.data(), rows},
                         writes<on<cpu, fp64>, shape<3>>{dz.data(), rows});
  };
  CHECK_THROWS_AS(run(5), std::invalid_argument);
  CHECK_THROWS_AS(run(2), std::invalid_argument);
  CHECK_THROWS_AS(frossl_loss{.invariance = -1}.check(), std::invalid_argument);
}
