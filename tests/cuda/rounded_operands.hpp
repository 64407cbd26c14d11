#pragma once
// Operands on tensor cores are bfloat16. So the same formulas in double, with operands rounded where a
// kernel rounds them, give a kernel's results up to float summation errors and a few values that lie
// half-way and round the other way.
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <vector>

#include <pretext/kernels/gpu/operations.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

using values = std::vector<double>;

inline double rounded(double x) { return static_cast<double>(bfloat16{x}); }
template <class T>
values in_double(const std::vector<T>& stored) {
  values all;
  for (const T& x : stored) all.push_back(static_cast<double>(x));
  return all;
}
/// The root-mean-square error beyond the results' own rounding to bfloat16, relative to that of the
/// expected values. A single value rounded the other way hardly contributes.
inline double rms_error(const values& found, const values& expected, double relative_to_each = 0x1p-8) {
  REQUIRE(found.size() == expected.size());
  double squares = 0, all = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double excess = std::abs(found[i] - expected[i]) - relative_to_each * std::abs(expected[i]);
    if (!(excess <= 0)) squares += excess * excess;  // NaN stays NaN
    all += expected[i] * expected[i];
  }
  return std::sqrt(squares / all);
}

/// sum_k a(i, k)·b(k, j)
template <class A, class B>
values product(std::size_t m, std::size_t n, std::size_t k, const A& a, const B& b) {
  values c(m * n);
  for (std::size_t i = 0; i < m; ++i)
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t d = 0; d < k; ++d) c[i * n + j] += a(i, d) * b(d, j);
  return c;
}

/// Embeddings whose two views of an image resemble each other.
inline std::vector<double> resembling_views(std::size_t rows, std::size_t columns, double noise) {
  auto z = random_values<double>(rows * columns, 1);
  const auto more = random_values<double>(rows * columns / 2, 2);
  for (std::size_t i = 0; i < more.size(); ++i) z[more.size() + i] = z[i] + noise * more[i];
  return z;
}

/// NT-Xent's loss and gradient (losses/nt_xent.hpp); with `Rounds` operands are rounded to bfloat16.
template <bool Rounds>
std::vector<values> nt_xent_in_double(std::size_t rows, std::size_t columns, double temperature,
                                      const values& z) {
  const auto operand = [](double x) { return Rounds ? rounded(x) : x; };
  const auto positive = [=](std::size_t i) { return (i + rows / 2) % rows; };
  values u(z.size()), inverse(rows), log_sum(rows), w(rows * rows), dz(z.size());
  for (std::size_t i = 0; i < rows; ++i) {
    double squares = 0;
    for (std::size_t c = 0; c < columns; ++c) squares += z[i * columns + c] * z[i * columns + c];
    inverse[i] = 1 / std::sqrt(squares);
    for (std::size_t c = 0; c < columns; ++c) u[i * columns + c] = operand(z[i * columns + c] * inverse[i]);
  }
  const auto row = [&](std::size_t i, std::size_t c) { return u[i * columns + c]; };
  auto s = product(rows, rows, columns, row, [&](std::size_t c, std::size_t j) { return row(j, c); });
  double loss = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < rows; ++j) {
      s[i * rows + j] /= temperature;
      if (j != i) sum += std::exp(s[i * rows + j]);
    }
    log_sum[i] = std::log(sum);
    loss += (log_sum[i] - s[i * rows + positive(i)]) / double(rows);
  }
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < rows; ++j)
      if (i != j)
        w[i * rows + j] = operand(std::exp(s[i * rows + j] - log_sum[i]) +
                                  std::exp(s[i * rows + j] - log_sum[j]) - 2 * (j == positive(i)));
  auto du = product(
      rows, columns, rows, [&](std::size_t i, std::size_t j) { return w[i * rows + j]; }, row);
  for (std::size_t i = 0; i < rows; ++i) {
    double radial = 0;
    for (std::size_t c = 0; c < columns; ++c) radial += z[i * columns + c] * inverse[i] * du[i * columns + c];
    for (std::size_t c = 0; c < columns; ++c)
      dz[i * columns + c] = (du[i * columns + c] - radial * z[i * columns + c] * inverse[i]) * inverse[i] /
                            (double(rows) * temperature);
  }
  return {{loss}, dz};
}

template <class Device>
void losses_of_rounded_views() {
  struct views {
    std::size_t rows, columns;
    double temperature, noise;
  };
  for (const views v : {views{4, 3, 0.5, 1}, views{130, 128, 0.5, 0.3}, views{150, 70, 0.1, 0.5},
                        views{192, 264, 0.2, 0.1}, views{1090, 136, 0.5, 0.5}, views{64, 136, 0.02, 3}}) {
    CAPTURE(v.rows);
    workbench<on<Device, bf16>> at;
    std::vector<bfloat16> z;
    for (const double x : resembling_views(v.rows, v.columns, v.noise)) z.emplace_back(x);
    auto* const dz = at.out(std::vector<bfloat16>(z.size()));
    at.loss(kernels::nt_xent<Device>::run(at.context, v.rows, v.columns, v.temperature, 1, at.in(z), dz));
    const auto found = at.results();
    const auto rounded_formula = nt_xent_in_double<true>(v.rows, v.columns, v.temperature, in_double(z)),
               exact_formula = nt_xent_in_double<false>(v.rows, v.columns, v.temperature, in_double(z));
    const double loss = found[1][0];
    // Tensor cores truncate when they add, and a GPU's exp2 has an error of two units in the last place.
    CHECK(std::abs(loss - rounded_formula[0][0]) < 1e-5);
    CHECK(relative_error(found[0], rounded_formula[1], 0x1p-8) < 3e-4);  // the gradient is stored as bfloat16
    CHECK(std::abs(loss - exact_formula[0][0]) < 1e-3);
    CHECK(relative_error(found[0], exact_formula[1], 0x1p-8) < 2e-2);
  }
}

/// Indices of one head among the heads of a sample.
struct attention_head {
  kernels::attention_extents e;
  std::size_t sample, head;

  std::size_t of_qkv(std::size_t which, std::size_t token, std::size_t c) const {
    return ((sample * e.tokens + token) * 3 + which) * e.width + head * e.head_width() + c;
  }
  std::size_t of_y(std::size_t token, std::size_t c) const {
    return (sample * e.tokens + token) * e.width + head * e.head_width() + c;
  }
  std::size_t of_sum(std::size_t token) const { return (sample * e.heads + head) * e.tokens + token; }
};

/// MAE's attention over all and over the visible quarter of patches of 32×32 and 224×224 pixels, and shapes
/// that do not fill a tile.
inline std::vector<kernels::attention_extents> attentions_on_tensor_cores() {
  return {{17, 128, 2}, {50, 192, 3}, {64, 176, 2}, {16, 64, 2}, {48, 192, 2},  {49, 144, 2}, {33, 40, 1},
          {65, 64, 1},  {65, 160, 2}, {197, 64, 2}, {7, 24, 3},  {130, 144, 2}, {1, 16, 1}};
}

/// y and the log-sum-exp of each row.
template <bool Rounds>
std::vector<values> attention_in_double(const kernels::attention_extents& e, std::size_t batch,
                                        const values& qkv) {
  const std::size_t n = e.tokens, width = e.head_width();
  values y(batch * n * e.width), log_sum(batch * e.heads * n);
  for (std::size_t unit = 0; unit < batch * e.heads; ++unit) {
    const attention_head at{e, unit / e.heads, unit % e.heads};
    auto p = product(
        n, n, width, [&](std::size_t i, std::size_t c) { return qkv[at.of_qkv(0, i, c)]; },
        [&](std::size_t c, std::size_t j) { return qkv[at.of_qkv(1, j, c)] / std::sqrt(double(width)); });
    values sums(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double largest = *std::max_element(&p[i * n], &p[i * n] + n);
      for (std::size_t j = 0; j < n; ++j) {
        const double weight = std::exp(p[i * n + j] - largest);
        sums[i] += weight;
        p[i * n + j] = Rounds ? rounded(weight) : weight;
      }
      log_sum[at.of_sum(i)] = largest + std::log(sums[i]);
    }
    const auto output = product(
        n, width, n, [&](std::size_t i, std::size_t j) { return p[i * n + j]; },
        [&](std::size_t j, std::size_t c) { return qkv[at.of_qkv(2, j, c)]; });
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < width; ++c) y[at.of_y(i, c)] = output[i * width + c] / sums[i];
  }
  return {y, log_sum};
}

/// The gradients from the stored y and log-sum-exp.
template <bool Rounds>
values attention_gradients_in_double(const kernels::attention_extents& e, std::size_t batch,
                                     const values& qkv, const values& y, const values& log_sum,
                                     const values& dy) {
  const std::size_t n = e.tokens, width = e.head_width();
  const double scale = 1 / std::sqrt(double(width));
  const auto operand = [](double x) { return Rounds ? rounded(x) : x; };
  values dqkv(qkv.size());
  for (std::size_t unit = 0; unit < batch * e.heads; ++unit) {
    const attention_head at{e, unit / e.heads, unit % e.heads};
    const auto q = [&](std::size_t i, std::size_t c) { return qkv[at.of_qkv(0, i, c)]; };
    const auto k = [&](std::size_t j, std::size_t c) { return qkv[at.of_qkv(1, j, c)]; };
    const auto output_gradient = [&](std::size_t i, std::size_t c) { return dy[at.of_y(i, c)]; };
    auto p = product(n, n, width, q, [&](std::size_t c, std::size_t j) { return k(j, c); });
    auto ds = product(n, n, width, output_gradient,
                      [&](std::size_t c, std::size_t j) { return qkv[at.of_qkv(2, j, c)]; });
    for (std::size_t i = 0; i < n; ++i) {
      double delta = 0;
      for (std::size_t c = 0; c < width; ++c) delta += output_gradient(i, c) * y[at.of_y(i, c)];
      for (std::size_t j = 0; j < n; ++j) {
        double &weight = p[i * n + j], &dweight = ds[i * n + j];
        weight = std::exp(weight * scale - log_sum[at.of_sum(i)]);
        dweight = operand(weight * (dweight - delta));
        weight = operand(weight);
      }
    }
    const auto dq = product(
                   n, width, n, [&](std::size_t i, std::size_t j) { return ds[i * n + j]; }, k),
               dk = product(
                   n, width, n, [&](std::size_t j, std::size_t i) { return ds[i * n + j]; }, q),
               dv = product(
                   n, width, n, [&](std::size_t j, std::size_t i) { return p[i * n + j]; }, output_gradient);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < width; ++c) {
        dqkv[at.of_qkv(0, i, c)] = dq[i * width + c] * scale;
        dqkv[at.of_qkv(1, i, c)] = dk[i * width + c] * scale;
        dqkv[at.of_qkv(2, i, c)] = dv[i * width + c];
      }
  }
  return dqkv;
}

/// Our own attention, which rounds weights before they are divided by their sum, or another one, which may
/// round elsewhere.
template <class Device, class Attention = grid::recomputed_attention>
void attention_of_rounded_weights() {
  constexpr bool own = std::same_as<Attention, grid::recomputed_attention>;
  for (const kernels::attention_extents e : attentions_on_tensor_cores()) {
    CAPTURE(e.tokens);
    CAPTURE(e.head_width());
    const std::size_t batch = 2, rows = batch * e.tokens;
    workbench<on<Device, bf16>> at;
    auto qkv = at.activations(rows * 3 * e.width, 1, 1.5);
    if (e.tokens == 7)  // all scores far below 0, the score of padding
      for (std::size_t i = 0; i < qkv.size(); ++i) {
        const std::size_t which = i / e.width % 3;
        const float offset = which == 0 ? 6.f : which == 1 ? -6.f : 0.f;
        qkv[i] = bfloat16{static_cast<float>(qkv[i]) + offset};
      }
    bfloat16* const y = at.out(rows * e.width);
    float* const log_sum = at.out_weights(rows * e.heads);
    Attention::forward(at.context, e, batch, at.in(qkv), y, log_sum);
    const auto dy = at.activations(rows * e.width, 2);
    Attention::backward(at.context, e, batch, at.in(qkv), static_cast<const bfloat16*>(y),
                        static_cast<const float*>(log_sum), at.in(dy), at.out(rows * 3 * e.width));
    const auto found = at.results();
    const auto rounded_formula = attention_in_double<true>(e, batch, in_double(qkv)),
               exact_formula = attention_in_double<false>(e, batch, in_double(qkv));
    if (own) {
      CHECK(rms_error(found[0], rounded_formula[0]) < 2e-5);
      CHECK(relative_error(found[0], rounded_formula[0], 0x1p-8) < 1e-3);
    }
    CHECK(relative_error(found[1], rounded_formula[1]) < (own ? 1e-6 : 1e-5));
    CHECK(relative_error(found[0], exact_formula[0], 0x1p-8) < 4e-3);

    const auto gradients = attention_gradients_in_double<true>(e, batch, in_double(qkv), found[0], found[1],
                                                               in_double(dy)),
               exact_gradients = attention_gradients_in_double<false>(
                   e, batch, in_double(qkv), exact_formula[0], exact_formula[1], in_double(dy));
    if (own) {
      CHECK(rms_error(found[2], gradients) < 2e-4);
      CHECK(relative_error(found[2], gradients, 0x1p-8) < 3e-3);
    }
    CHECK(relative_error(found[2], exact_gradients, 0x1p-8) < 1e-2);
  }
}

}  // namespace pretext::tests
