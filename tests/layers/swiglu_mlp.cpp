#include <pretext/layers/swiglu_mlp.hpp>

#include "support/gradient_check.hpp"

#include <cmath>

using namespace pretext;

static_assert(Layer<swiglu_mlp<>, shape<5, 24>, on<cpu>>);
static_assert(swiglu_mlp<>::hidden_width<shape<1536>> == 4096, "DINOv2's giant transformer");
static_assert(swiglu_mlp<>::hidden_width<shape<20>> == 56, "rounded up to a multiple of 8");
static_assert(macs<swiglu_mlp<>, shape<3, 24>> == 3 * 3 * 24 * 64);

TEST_CASE("every gradient of a gated perceptron matches finite differences") {
  tests::gradients_match_finite_differences<swiglu_mlp<>, shape<7>>(3);
  tests::gradients_match_finite_differences<swiglu_mlp<2>, shape<4, 6>>(2);
}

TEST_CASE("the first half of the hidden layer is the gate") {
  using Context = on<cpu, fp64>;
  using layer = swiglu_mlp<>;  // 1 to 2·8 to 1
  std::vector<double> w(weight_count<layer, shape<1>>), y(1);
  w[0] = 2;        // fc1: a = 2x …
  w[8] = 3;        // … and b = 3x
  w[16 + 16] = 1;  // fc2
  const double x = .5;
  Context context;
  layer::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, shape<1>>{&x, 1},
               writes<Context, shape<1>>{y.data(), 1});
  CHECK(y[0] == doctest::Approx(1 / (1 + std::exp(-1.0)) * 1.5));
}
