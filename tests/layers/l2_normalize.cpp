#include <pretext/layers/l2_normalize.hpp>

#include "support/gradient_check.hpp"

#include <cmath>

#include <pretext/kernels/cpu/for_each_row.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>

using namespace pretext;

static_assert(Layer<l2_normalize, shape<5, 8>, on<cpu>>);
static_assert(parameters_of<l2_normalize, shape<8>>.size() == 0);

TEST_CASE("every gradient of L2 normalisation matches finite differences, also within a network") {
  tests::gradients_match_finite_differences<l2_normalize, shape<7>>(3);
  tests::gradients_match_finite_differences<l2_normalize, shape<4, 9>>(2);
  // In a network dx is written over dy.
  tests::gradients_match_finite_differences<sequential<linear<6>, l2_normalize, l2_normalize, linear<3>>,
                                            shape<5>>(4);
}

TEST_CASE("rows have length 1, except those shorter than 1e-12, which are divided by 1e-12") {
  using In = shape<3>;
  const std::vector<double> x{3, 0, -4, 3e-13, 0, 4e-13, 0, 0, 0, 1e-11, 0, 0};
  std::vector<double> y(12);
  on<cpu, fp64> context;
  l2_normalize::infer(context, {}, reads<on<cpu, fp64>, In>{x.data(), 4},
                      writes<on<cpu, fp64>, In>{y.data(), 4});
  const std::vector<double> expected{.6, 0, -.8, .3, 0, .4, 0, 0, 0, 1, 0, 0};
  for (std::size_t i = 0; i < 12; ++i) CHECK(y[i] == doctest::Approx(expected[i]).epsilon(1e-14));
}

TEST_CASE("a row shorter than 1e-12 has the gradient of a multiplication") {
  using In = shape<2>;
  on<cpu, fp64> context;
  const std::vector<double> x{1e-13, 0}, dy{2, 3};
  std::vector<double> y(2), dx(2);
  cache_of<l2_normalize, In, on<cpu, fp64>> cache;
  l2_normalize::forward(context, {}, reads<on<cpu, fp64>, In>{x.data(), 1},
                        writes<on<cpu, fp64>, In>{y.data(), 1}, cache);
  l2_normalize::backward(context, {}, cache, reads<on<cpu, fp64>, In>{dy.data(), 1},
                         writes<on<cpu, fp64>, In>{dx.data(), 1});
  CHECK(dx[0] == doctest::Approx(2e12));
  CHECK(dx[1] == doctest::Approx(3e12));
}

TEST_CASE("a NaN stays in its row") {
  using In = shape<2>;
  on<cpu> context;
  const std::vector<float> x{std::nanf(""), 1, 3, 4};
  std::vector<float> y(4);
  l2_normalize::infer(context, {}, reads<on<cpu>, In>{x.data(), 2}, writes<on<cpu>, In>{y.data(), 2});
  CHECK(std::isnan(y[0]));
  CHECK(std::isnan(y[1]));
  CHECK(y[2] == doctest::Approx(.6));
  CHECK(y[3] == doctest::Approx(.8));
}
