#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/attention.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>
#include <pretext/kernels/cpu/convolution.hpp>
#include <pretext/kernels/cpu/drop_path.hpp>
#include <pretext/kernels/cpu/elementwise.hpp>
#include <pretext/kernels/cpu/gelu.hpp>
#include <pretext/kernels/cpu/gemm.hpp>
#include <pretext/kernels/cpu/layer_norm.hpp>
#include <pretext/kernels/cpu/linear.hpp>
#include <pretext/kernels/cpu/patches.hpp>
#include <pretext/kernels/cpu/pooling.hpp>
#include <pretext/kernels/cpu/tokens.hpp>

namespace pretext::tests {

/// Normally distributed values, the same in every run.
inline std::vector<double> normal_numbers(std::size_t count, unsigned seed, double mean = 0,
                                          double deviation = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{mean, deviation};
  std::vector<double> numbers(count);
  for (double& number : numbers) number = draw(random);
  return numbers;
}

/// Random weights with positive running variances: no parameter has a value, such as 0 or 1, that hides a
/// mistake.
template <class L, class In>
std::vector<double> plausible_weights(unsigned seed) {
  auto w = normal_numbers(weight_count<L, In>, seed, 0.1, 0.5);
  for (const parameter& p : parameters_of<L, In>)
    if (p.role == parameter_role::buffer)
      for (std::size_t i = 0; i < p.size(); ++i) w[p.offset + i] = 0.5 + std::abs(w[p.offset + i]);
  return w;
}

/// Compares the gradients of a layer, dx and dw, with central differences of a random linear functional of y.
/// All output buffers contain other values before. `groups` is the number of batch norm's groups; `prepare`
/// may set members of the context.
template <class L, class In, class Prepare = void (*)(on<cpu, fp64>&)>
void gradients_match_finite_differences(
    std::size_t batch, double tolerance = 1e-6, std::size_t groups = 1, std::size_t threads = 2,
    Prepare prepare = [](on<cpu, fp64>&) {}) {
  using Out = output_of<L, In>;
  using Context = on<cpu, fp64>;
  Context context{.stream = cpu::stream{threads}};
  context.step.batch_norm_groups = groups;
  prepare(context);
  auto x = normal_numbers(batch * In::size, 1), functional = normal_numbers(batch * Out::size, 2);
  auto w = plausible_weights<L, In>(3);
  std::vector<double> y(batch * Out::size, 1e30), dx(x.size(), 1e30), dw(w.size(), 0.25);
  cache_of<L, In, Context> cache;

  const auto value = [&] {
    auto running = w;  // forward updates running statistics, which must not change the function
    context.activations.reset();
    L::forward(context, weights<Context>{running.data(), nullptr}, reads<Context, In>{x.data(), batch},
               writes<Context, Out>{y.data(), batch}, cache);
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += y[i] * functional[i];
    return sum;
  };
  value();
  value();  // the second time, the arena contains old values
  L::backward(context, weights<Context>{w.data(), dw.data()}, cache,
              reads<Context, Out>{functional.data(), batch}, writes<Context, In>{dx.data(), batch});

  const auto difference = [&](double& variable) {
    const double saved = variable, h = 1e-6;  // small, so that few ReLUs change sides
    variable = saved + h;
    const double up = value();
    variable = saved - h;
    const double down = value();
    variable = saved;
    return (up - down) / (2 * h);
  };
  const std::size_t step_x = 1 + x.size() / 97;
  for (std::size_t i = 0; i < x.size(); i += step_x) {
    CAPTURE(i);
    CHECK(dx[i] == doctest::Approx(difference(x[i])).epsilon(tolerance).scale(1));
  }
  for (const parameter& p : parameters_of<L, In>) {
    if (p.role != parameter_role::trainable) continue;
    CAPTURE(p.path);
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 13)
      CHECK(dw[i] - 0.25 == doctest::Approx(difference(w[i])).epsilon(tolerance).scale(1));
  }

  // Without dx, the gradients of the weights are the same.
  std::vector<double> again(w.size(), 0.25);
  value();
  L::backward(context, weights<Context>{w.data(), again.data()}, cache,
              reads<Context, Out>{functional.data(), batch}, writes<Context, In>{nullptr, batch});
  CHECK(again == dw);
}

}  // namespace pretext::tests
