#include <pretext/layers/gelu.hpp>
#include <pretext/layers/mlp.hpp>
#include <pretext/layers/sequential.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

static_assert(Layer<mlp<>, shape<5, 8>, on<cpu>> && Layer<mlp<2>, shape<8>, on<cpu>>);
static_assert(parameters_of<mlp<>, shape<5, 8>>[0].name() == "fc1.weight");
static_assert(parameters_of<mlp<>, shape<5, 8>>[3].name() == "fc2.bias");

TEST_CASE("every gradient of a perceptron matches finite differences") {
  tests::gradients_match_finite_differences<mlp<>, shape<3, 6>>(3);
  tests::gradients_match_finite_differences<mlp<3>, shape<6>>(4);
}

TEST_CASE("a perceptron, whose biases are added by the products, is linear, GELU, linear") {
  using In = shape<7, 20>;
  using plain = sequential<linear<80>, gelu, linear<20>>;
  using Context = on<cpu, fp64>;
  static_assert(weight_count<plain, In> == weight_count<mlp<>, In>);
  Context context;
  auto w = tests::plausible_weights<plain, In>(1);
  const auto x = tests::normal_numbers(3 * In::size, 2);
  std::vector<double> y(x.size()), z(x.size());
  plain::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), 3},
               writes<Context, In>{y.data(), 3});
  mlp<>::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), 3},
               writes<Context, In>{z.data(), 3});
  for (std::size_t i = 0; i < y.size(); ++i) CHECK(y[i] == doctest::Approx(z[i]).epsilon(1e-12));
}

TEST_CASE("a perceptron computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<mlp<>, shape<65, 24>>(11);
}
