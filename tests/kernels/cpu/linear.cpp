#include "support/gradient_check.hpp"

#include <pretext/kernels/cpu/linear.hpp>

using namespace pretext;

namespace {

// More rows and columns than a block of the product, and no multiples of a tile.
constexpr std::size_t tokens = 50, rows = 5 * tokens, in = 70, out = 301;

/// x·wᵀ + bias, element by element.
std::vector<double> product(const std::vector<double>& x, const std::vector<double>& w,
                            const std::vector<double>& bias) {
  std::vector<double> y(rows * out);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < out; ++c) {
      y[r * out + c] = bias[c];
      for (std::size_t k = 0; k < in; ++k) y[r * out + c] += x[r * in + k] * w[c * in + k];
    }
  return y;
}

void check_equal(const std::vector<double>& actual, const std::vector<double>& expected) {
  REQUIRE(actual.size() == expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) REQUIRE(std::abs(actual[i] - expected[i]) < 1e-11);
}

}  // namespace

TEST_CASE("a linear layer computes any part of shortcut + branch_scale·(x·wᵀ + bias)") {
  const auto x = tests::normal_numbers(rows * in, 1), w = tests::normal_numbers(out * in, 2),
             bias = tests::normal_numbers(out, 3), shortcut = tests::normal_numbers(rows * out, 4);
  const std::vector<double> branch_scale{0, 1.25, 1.25, 0, 2};
  on<cpu, fp64> context{.stream = cpu::stream{2}};
  for (int parts = 0; parts < 8; ++parts) {
    CAPTURE(parts);
    const bool biased = parts & 1, scaled = parts & 2, summed = parts & 4;
    auto expected = product(x, w, biased ? bias : std::vector<double>(out));
    for (std::size_t i = 0; i < expected.size(); ++i)
      expected[i] =
          (summed ? shortcut[i] : 0) + (scaled ? branch_scale[i / (tokens * out)] : 1) * expected[i];
    std::vector<double> y(rows * out, 7.0);
    kernels::linear<cpu>::forward(
        context, {rows, in, out}, x.data(), w.data(),
        kernels::linear_epilogue<double>{biased ? bias.data() : nullptr, summed ? shortcut.data() : nullptr,
                                         scaled ? branch_scale.data() : nullptr, tokens},
        y.data());
    check_equal(y, expected);
  }
}

TEST_CASE("a linear layer with GELU computes GELU(x·wᵀ + bias), with or without its derivative") {
  const auto x = tests::normal_numbers(rows * in, 1, 0, 0.2), w = tests::normal_numbers(out * in, 2, 0, 0.5),
             bias = tests::normal_numbers(out, 3);
  on<cpu, fp64> context{.stream = cpu::stream{2}};
  const auto inside = product(x, w, bias);
  std::vector<double> value, derivative, y(rows * out), again(rows * out), slope(rows * out);
  for (const double at : inside) {
    value.push_back(kernels::gelu_at(at, std::exp(-at * at / 2)).value);
    derivative.push_back(kernels::gelu_at(at, std::exp(-at * at / 2)).slope);
  }
  kernels::linear<cpu>::forward_gelu(context, {rows, in, out}, x.data(), w.data(), bias.data(), y.data(),
                                     slope.data());
  check_equal(y, value);
  check_equal(slope, derivative);
  kernels::linear<cpu>::forward_gelu(context, {rows, in, out}, x.data(), w.data(), bias.data(), again.data(),
                                     static_cast<double*>(nullptr));
  CHECK(again == y);
}

TEST_CASE(
    "the gradient of a linear layer is multiplied by the slope of the GELU before it, and summed for the "
    "bias") {
  const auto dy = tests::normal_numbers(rows * out, 1), w = tests::normal_numbers(out * in, 2),
             slope = tests::normal_numbers(rows * in, 3);
  on<cpu, fp64> context{.stream = cpu::stream{2}};
  std::vector<double> dx(rows * in, 7.0), dbias(in, 0.5), expected(rows * in), sums(in, 0.5);
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t k = 0; k < in; ++k) {
      double sum = 0;
      for (std::size_t c = 0; c < out; ++c) sum += dy[r * out + c] * w[c * in + k];
      sums[k] += expected[r * in + k] = slope[r * in + k] * sum;
    }
  kernels::linear<cpu>::backward_gelu(context, {rows, in, out}, dy.data(), w.data(), slope.data(),
                                      static_cast<const double*>(nullptr), dx.data(), dbias.data());
  check_equal(dx, expected);
  for (std::size_t k = 0; k < in; ++k) CHECK(dbias[k] == doctest::Approx(sums[k]).epsilon(1e-10).scale(1));
}
