#include <pretext/layers/weight_norm_linear.hpp>

#include "support/gradient_check.hpp"

#include <pretext/kernels/cpu/for_each_row.hpp>

using namespace pretext;

using fixed = weight_norm_linear<4, weight_gain::fixed>;
using learned = weight_norm_linear<4, weight_gain::learned>;

static_assert(Layer<fixed, shape<8>, on<cpu>>);
static_assert(std::same_as<output_of<fixed, shape<5, 8>>, shape<5, 4>>, "tokens keep their count");
static_assert(trainable_count(parameters_of<fixed, shape<8>>) == 4 * 8, "gains of 1 are never changed");
static_assert(trainable_count(parameters_of<learned, shape<8>>) == 4 * 8 + 4);
static_assert(parameters_of<learned, shape<8>>[0].weight_decay == parameter_decay::yes,
              "torch's weight_g is a matrix (Out, 1), so that it is decayed with the others");

TEST_CASE("every gradient of a weight-normalised layer matches finite differences") {
  tests::gradients_match_finite_differences<learned, shape<7>>(5);
  tests::gradients_match_finite_differences<fixed, shape<3, 7>>(2);
}

TEST_CASE("an output is the projection on a direction, times its gain") {
  using context_type = on<cpu, fp64>;
  using layer = weight_norm_linear<2>;
  std::vector<double> w{2, -1, /* v */ 3, 4, 0, -5}, y(2);
  const std::vector<double> x{1, 2};
  context_type context;
  layer::infer(context, weights<context_type>{w.data(), nullptr}, reads<context_type, shape<2>>{x.data(), 1},
               writes<context_type, shape<2>>{y.data(), 1});
  CHECK(y[0] == doctest::Approx(2 * (3 * 1 + 4 * 2) / 5.0));
  CHECK(y[1] == doctest::Approx(2));
}

TEST_CASE("the length of a direction has no effect, and the gradient is orthogonal to it") {
  using context_type = on<cpu, fp64>;
  context_type context;
  const auto x = tests::normal_numbers(6 * 7, 1), dy = tests::normal_numbers(6 * 4, 2);
  auto w = tests::plausible_weights<learned, shape<7>>(3);
  std::vector<double> once(6 * 4), twice(6 * 4), dw(w.size());
  const reads<context_type, shape<7>> in{x.data(), 6};
  cache_of<learned, shape<7>, context_type> cache;
  learned::forward(context, weights<context_type>{w.data(), nullptr}, in,
                   writes<context_type, shape<4>>{once.data(), 6}, cache);
  learned::backward(context, weights<context_type>{w.data(), dw.data()}, cache,
                    reads<context_type, shape<4>>{dy.data(), 6}, writes<context_type, shape<7>>{nullptr, 6});
  for (std::size_t row = 0; row < 4; ++row) {
    double along = 0;
    for (std::size_t c = 0; c < 7; ++c) along += w[4 + row * 7 + c] * dw[4 + row * 7 + c];
    CHECK(std::abs(along) < 1e-13);
  }
  for (std::size_t i = 4; i < w.size(); ++i) w[i] *= 2;
  learned::infer(context, weights<context_type>{w.data(), nullptr}, in,
                 writes<context_type, shape<4>>{twice.data(), 6});
  for (std::size_t i = 0; i < once.size(); ++i) CHECK(twice[i] == doctest::Approx(once[i]).epsilon(1e-14));
}
