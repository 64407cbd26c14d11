#include <pretext/layers/layer_norm.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

static_assert(Layer<layer_norm, shape<5, 8>, on<cpu>>);
static_assert(parameters_of<layer_norm, shape<5, 8>>[0].weight_decay == parameter_decay::no);
static_assert(parameters_of<layer_norm, shape<5, 8>>[1].weight_decay == parameter_decay::no);

TEST_CASE("every gradient of layer norm matches finite differences") {
  tests::gradients_match_finite_differences<layer_norm, shape<7, 24>>(3);
  tests::gradients_match_finite_differences<layer_norm, shape<19>>(40);
  tests::gradients_match_finite_differences<layer_norm, shape<2, 3, 5>>(4);
}

TEST_CASE("layer norm gives each position mean 0 and variance 1 up to epsilon, whatever its mean") {
  using In = shape<3, 50>;
  on<cpu> context;
  std::vector<float> x, y(4 * In::size), w(100, 1.f);
  std::fill_n(w.begin() + 50, 50, 0.f);
  for (double v : tests::normal_numbers(4 * In::size, 8, 1000, 1)) x.push_back(static_cast<float>(v));
  layer_norm::infer(context, weights<on<cpu>>{w.data(), nullptr}, reads<on<cpu>, In>{x.data(), 4},
                    writes<on<cpu>, In>{y.data(), 4});
  for (std::size_t row = 0; row < 12; ++row) {
    double sum = 0, square = 0;
    for (std::size_t c = 0; c < 50; ++c) {
      const double value = y[row * 50 + c];
      sum += value / 50;
      square += value * value / 50;
    }
    CHECK(sum == doctest::Approx(0).epsilon(1e-4).scale(1));
    CHECK(square == doctest::Approx(1).epsilon(1e-3));
  }
}

TEST_CASE("epsilon is 1e-6, inside the root") {
  using In = shape<2>;
  on<cpu, fp64> context;
  const std::vector<double> x{1e-3, -1e-3};
  std::vector<double> w{1, 1, 0, 0}, y(2);
  layer_norm::infer(context, weights<on<cpu, fp64>>{w.data(), nullptr}, reads<on<cpu, fp64>, In>{x.data(), 1},
                    writes<on<cpu, fp64>, In>{y.data(), 1});
  CHECK(y[0] == doctest::Approx(std::sqrt(0.5)).epsilon(1e-12));
}

TEST_CASE("layer norm computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<layer_norm, shape<9, 96>>(71);
}
