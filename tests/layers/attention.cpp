#include <pretext/layers/attention.hpp>

#include "support/gradient_check.hpp"
#include "support/same_bits.hpp"

using namespace pretext;

static_assert(Layer<attention<2>, shape<5, 8>, on<cpu>>);
static_assert(!Accepts<attention<3>, shape<5, 8>>, "heads share the width equally");
static_assert(!Accepts<attention<2>, shape<8>>, "one feature has no tokens to attend to");
static_assert(parameters_of<attention<2>, shape<5, 8>>[0].name() == "qkv.weight");
static_assert(parameters_of<attention<2>, shape<5, 8>>[3].name() == "proj.bias");

TEST_CASE("every gradient of attention matches finite differences for any number of tokens and heads") {
  tests::gradients_match_finite_differences<attention<2>, shape<5, 8>>(3);
  tests::gradients_match_finite_differences<attention<1>, shape<1, 6>>(3);
  tests::gradients_match_finite_differences<attention<3>, shape<17, 27>>(2);
  tests::gradients_match_finite_differences<attention<2>, shape<137, 6>>(1);  // two groups of queries
}

TEST_CASE("attention is softmax(q·kᵀ/√d)·v of each head") {
  constexpr std::size_t tokens = 290, width = 12, heads = 3, depth = width / heads, batch = 2;
  const auto qkv = tests::normal_numbers(batch * tokens * 3 * width, 1);
  std::vector<double> y(batch * tokens * width), log_sum(batch * heads * tokens);
  on<cpu, fp64> context;
  kernels::attention<cpu>::forward(context, {tokens, width, heads}, batch, qkv.data(), y.data(),
                                   log_sum.data());
  for (std::size_t n = 0; n < batch; ++n)
    for (std::size_t h = 0; h < heads; ++h)
      for (std::size_t i = 0; i < tokens; i += 7) {
        const auto at = [&](std::size_t token, std::size_t part, std::size_t c) {
          return qkv[((n * tokens + token) * 3 + part) * width + h * depth + c];
        };
        double sum = 0, mixed[depth]{};
        for (std::size_t j = 0; j < tokens; ++j) {
          double score = 0;
          for (std::size_t c = 0; c < depth; ++c) score += at(i, 0, c) * at(j, 1, c);
          const double e = std::exp(score / std::sqrt(double(depth)));
          sum += e;
          for (std::size_t c = 0; c < depth; ++c) mixed[c] += e * at(j, 2, c);
        }
        CHECK(log_sum[(n * heads + h) * tokens + i] == doctest::Approx(std::log(sum)).epsilon(1e-12));
        for (std::size_t c = 0; c < depth; ++c)
          CHECK(y[(n * tokens + i) * width + h * depth + c] ==
                doctest::Approx(mixed[c] / sum).epsilon(1e-12));
      }
}

TEST_CASE(
    "single precision is within 1e-5 of double, forward and backward, for widths that are no multiple of a "
    "tile") {
  const auto close = [](const std::vector<float>& found, const std::vector<double>& expected) {
    double largest = 0;
    for (double number : expected) largest = std::max(largest, std::abs(number));
    for (std::size_t i = 0; i < found.size(); ++i)
      REQUIRE(std::abs(double(found[i]) - expected[i]) < 1e-5 * largest);
  };
  for (const auto& e : {kernels::attention_extents{17, 64, 2}, {65, 21, 3}, {197, 40, 1}}) {
    const std::size_t batch = 2, size = batch * e.tokens * e.width, rows = batch * e.heads * e.tokens;
    const auto qkv = tests::normal_numbers(3 * size, 1), dy = tests::normal_numbers(size, 2);
    const std::vector<float> rounded_qkv(qkv.begin(), qkv.end()), rounded_dy(dy.begin(), dy.end());
    std::vector<double> y(size), log_sum(rows), dqkv(3 * size);
    std::vector<float> near_y(size), near_log_sum(rows), near_dqkv(3 * size);
    on<cpu, fp64> exact;
    on<cpu> context{.stream = cpu::stream{2}};
    kernels::attention<cpu>::forward(exact, e, batch, qkv.data(), y.data(), log_sum.data());
    kernels::attention<cpu>::backward(exact, e, batch, qkv.data(), y.data(), log_sum.data(), dy.data(),
                                      dqkv.data());
    kernels::attention<cpu>::forward(context, e, batch, rounded_qkv.data(), near_y.data(),
                                     near_log_sum.data());
    kernels::attention<cpu>::backward(context, e, batch, rounded_qkv.data(), near_y.data(),
                                      near_log_sum.data(), rounded_dy.data(), near_dqkv.data());
    close(near_y, y);
    close(near_dqkv, dqkv);
  }
}

TEST_CASE("large scores neither overflow nor vanish, and a NaN reaches the output") {
  constexpr std::size_t tokens = 20, width = 4;
  std::vector<float> qkv(tokens * 3 * width, 0.f), y(tokens * width);
  for (std::size_t t = 0; t < tokens; ++t)
    for (std::size_t c = 0; c < width; ++c) {
      qkv[(t * 3 + 0) * width + c] = 100;
      qkv[(t * 3 + 1) * width + c] = t == 3 ? 100.f : -100.f;  // scores of ±20000
      qkv[(t * 3 + 2) * width + c] = static_cast<float>(t);
    }
  on<cpu> context;
  kernels::attention<cpu>::forward(context, {tokens, width, 1}, 1, qkv.data(), y.data(),
                                   static_cast<float*>(nullptr));
  for (float v : y) CHECK(v == 3);
  qkv[(7 * 3 + 1) * width] = std::nanf("");
  kernels::attention<cpu>::forward(context, {tokens, width, 1}, 1, qkv.data(), y.data(),
                                   static_cast<float*>(nullptr));
  for (float v : y) CHECK(std::isnan(v));
}

TEST_CASE("attention computes the same bits with 1, 2 and 3 threads") {
  tests::same_bits_for_any_threads<attention<3>, shape<65, 48>>(37);
}
