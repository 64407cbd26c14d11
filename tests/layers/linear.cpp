// Tests of linear.hpp, and of relu.hpp and residual.hpp, which are too small for programs of their own.
#include <pretext/layers/linear.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/layers/sequential.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;
using tests::gradients_match_finite_differences;

static_assert(Layer<linear<8>, shape<12>, on<cpu>>);
static_assert(Layer<relu, shape<3, 4>, on<cpu, fp64>>);
static_assert(Layer<residual<sequential<linear<8>, relu>>, shape<8>, on<cpu>>);
static_assert(!Accepts<residual<sequential<linear<8>, relu>>, shape<9>>);
static_assert(std::same_as<output_of<linear<4>, shape<10, 3>>, shape<10, 4>>, "tokens keep their count");

TEST_CASE("every gradient of a linear layer matches finite differences") {
  gradients_match_finite_differences<linear<9>, shape<11>>(6);
  gradients_match_finite_differences<linear<9, bias::no>, shape<4, 11>>(3);
}

TEST_CASE("every gradient of ReLU and of a residual layer matches finite differences") {
  gradients_match_finite_differences<relu, shape<7, 6, 5>>(3);
  gradients_match_finite_differences<residual<sequential<linear<7>, relu, linear<7>, relu>>, shape<7>>(5);
}

TEST_CASE("a NaN that enters a layer leaves it") {
  using In = shape<4, 4, 3>;
  on<cpu> context;
  std::vector<float> x(In::size, 1.f), y(In::size);
  x[5] = std::nanf("");
  relu::infer(context, {}, reads<on<cpu>, In>{x.data(), 1}, writes<on<cpu>, In>{y.data(), 1});
  CHECK(std::isnan(y[5]));
}
