#include <pretext/layers/gelu.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

static_assert(Layer<gelu, shape<5, 8>, on<cpu>>);

namespace {

double exact(double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }

double exact_slope(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0)) +
         x * std::exp(-x * x / 2) / std::sqrt(2 * 3.14159265358979323846);
}

}  // namespace

TEST_CASE("every gradient of GELU matches finite differences") {
  tests::gradients_match_finite_differences<gelu, shape<7, 24>>(3);
  tests::gradients_match_finite_differences<gelu, shape<67>>(3);
}

TEST_CASE(
    "the formulas that all devices share are exact in double precision, and in single to the last digits") {
  for (double x = -9; x < 9; x += 0.0137) {
    CAPTURE(x);
    const double e = std::exp(-x * x / 2);
    CHECK(kernels::gelu_at(x, e).value == doctest::Approx(exact(x)).epsilon(2e-14).scale(0));
    CHECK(kernels::gelu_at(x, e).slope == doctest::Approx(exact_slope(x)).epsilon(1e-14).scale(1));
    const double at = static_cast<float>(x);
    const auto close = kernels::gelu_at(static_cast<float>(x), static_cast<float>(std::exp(-at * at / 2)));
    CHECK(std::abs(double(close.value) - exact(at)) <= 5e-7 * std::abs(exact(at)));
    CHECK(std::abs(double(close.slope) - exact_slope(at)) <= 3e-7);
  }
}

TEST_CASE(
    "the kernel in single precision is within 3e-7 of the exact form; far tails are 0 or x, NaN stays NaN") {
  on<cpu> context{.stream = cpu::stream{2}};
  using In = shape<1000>;
  std::vector<float> x, y(In::size * 9);
  for (std::size_t i = 0; i < y.size(); ++i) x.push_back(-9 + 0.002f * static_cast<float>(i));
  gelu::infer(context, {}, reads<on<cpu>, In>{x.data(), 9}, writes<on<cpu>, In>{y.data(), 9});
  for (std::size_t i = 0; i < y.size(); ++i) {
    CAPTURE(x[i]);
    CHECK(std::abs(double(y[i]) - exact(x[i])) <= 3e-7 * std::max(1.0, std::abs(double(x[i]))));
    if (x[i] > -5)  // below, the digits of x²/2 limit those of the tail
      CHECK(std::abs(double(y[i]) - exact(x[i])) <= 2e-6 * std::abs(exact(x[i])));
  }
  const std::vector<float> far{-1e30f, -20.f, 0.f, 20.f, 1e18f, std::nanf("")};
  std::vector<float> at(6);
  gelu::infer(context, {}, reads<on<cpu>, shape<6>>{far.data(), 1}, writes<on<cpu>, shape<6>>{at.data(), 1});
  CHECK(std::vector<float>(at.begin(), at.end() - 1) == std::vector<float>{0, 0, 0, 20, 1e18f});
  CHECK(std::isnan(at[5]));
}
