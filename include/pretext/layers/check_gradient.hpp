// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>

// Gradients are compared with central differences in fp64, for the tests of your own layers, losses and
// methods in whatever framework they use. Include <pretext/cpu.hpp>, whose kernels these need.
namespace pretext::inline v0_1 {

/// How a gradient is checked.
struct gradient_check_options {
  std::size_t batch = 4;     ///< images, or rows of a layer
  double difference = 1e-6;  ///< half the distance of two values; small, so that few ReLUs change sides
  std::size_t inputs = 97, weights = 13;  ///< values compared at most, of the input and of each parameter
  std::size_t batch_norm_groups = 1;
  std::size_t threads = 1;
  double drop_path = 0;  ///< rate of the last residual branch, for methods
  unsigned seed = 1;     ///< of inputs and weights
};

/// What a check of a gradient has found: assert on `error`, and print `text()` if it is too large.
struct gradient_check_result {
  /// The largest |gradient - difference| / (1 + max(|gradient|, |difference|)): about 1e-9 where all is
  /// right, for networks with ReLUs below 1e-6; infinite where a value is NaN or infinite or nothing was
  /// compared.
  double error = detail::infinity<double>;
  std::string where{};  ///< the value with that error: a parameter's path or an input, and the index in it
  double gradient = 0, difference = 0;  ///< there
  std::size_t compared = 0;             ///< values

  std::string text() const {
    if (compared == 0) return "no gradient was compared";
    return str_cat("of ", compared, " gradients the one of ", where,
                   " is the farthest from its central difference: ", gradient, " instead of ", difference,
                   " (error ", error, ")");
  }

  /// Compares one more value.
  void add(std::string_view name, std::size_t index, double found, double expected) {
    const double distance = std::abs(found - expected) / (1 + std::max(std::abs(found), std::abs(expected)));
    const double its_error = detail::is_finite(distance) ? distance : detail::infinity<double>;
    if (compared++ > 0 && its_error <= error) return;
    error = its_error;
    where = str_cat(name, "[", index, "]");
    gradient = found;
    difference = expected;
  }
};

namespace detail {

/// Normally distributed values, the same in every run.
inline std::vector<double> normal_values(std::size_t count, unsigned seed, double mean = 0,
                                         double deviation = 1) {
  std::mt19937 random{seed};
  std::normal_distribution<double> draw{mean, deviation};
  std::vector<double> values(count);
  for (double& value : values) value = draw(random);
  return values;
}

/// Random weights with positive running variances: no parameter has a value, such as 0 or 1, that hides a
/// mistake.
template <class L, class In>
std::vector<double> plausible_weights(unsigned seed) {
  auto w = normal_values(weight_count<L, In>, seed, .1, .5);
  for (const parameter& p : parameters_of<L, In>)
    if (p.role == parameter_role::buffer)
      for (double& value : std::span{w}.subspan(p.offset, p.size())) value = .5 + std::abs(value);
  return w;
}

/// Compares the gradient of `at` with central differences of `value()`, which reads `at`.
template <class Value>
void compare_with_differences(gradient_check_result& result, std::string_view name, std::span<double> at,
                              std::span<const double> gradient, double half, std::size_t most,
                              const Value& value) {
  const std::size_t stride =
      std::max<std::size_t>(1, (at.size() + most - 1) / std::max<std::size_t>(most, 1));
  for (std::size_t i = 0; i < at.size(); i += stride) {
    const double saved = at[i];
    at[i] = saved + half;
    const double up = value();
    at[i] = saved - half;
    const double down = value();
    at[i] = saved;
    result.add(name, i, gradient[i], (up - down) / (2 * half));
  }
}

}  // namespace detail

/// Compares a gradient with central differences of `value()`, a function of `at`; for losses of any
/// signature.
template <class Value>
gradient_check_result check_gradient(std::span<double> at, std::span<const double> gradient,
                                     const Value& value, const gradient_check_options& how = {}) {
  expects(at.size() == gradient.size(), "check_gradient: ", gradient.size(), " gradients of ", at.size(),
          " values");
  gradient_check_result result;
  detail::compare_with_differences(result, "value", at, gradient, how.difference, how.inputs, value);
  return result;
}

/// Checks the gradients of a layer or of a whole encoder for inputs (batch, In), with respect to its input
/// and its parameters: those of a random linear function of its output. Outputs must be overwritten,
/// gradients of parameters added to what is there, and these the same when the input needs none. `prepare`
/// may set members of the context.
template <class L, Shape In, class Prepare = void (*)(on<cpu, fp64>&)>
  requires Layer<L, In, on<cpu, fp64>> gradient_check_result check_layer(
      const gradient_check_options& how = {}, const Prepare& prepare = [](on<cpu, fp64>&) {}) {
    using Context = on<cpu, fp64>;
    using Out = output_of<L, In>;
    constexpr double before = 1e30, added = .25;
    const std::size_t batch = how.batch;
    Context context{.stream = cpu::stream{how.threads}};
    context.step.batch_norm_groups = how.batch_norm_groups;
    prepare(context);
    auto x = detail::normal_values(batch * In::size, how.seed);
    const auto functional = detail::normal_values(batch * Out::size, how.seed + 1);
    auto w = detail::plausible_weights<L, In>(how.seed + 2);
    std::vector<double> y(batch * Out::size, before), dx(x.size(), before), dw(w.size(), added), again = dw;
    cache_of<L, In, Context> cache;

    const auto value = [&] {
      auto running = w;  // forward updates running statistics, which must not change the function
      context.activations.reset();
      L::forward(context, weights<Context>{running.data(), nullptr}, reads<Context, In>{x.data(), batch},
                 writes<Context, Out>{y.data(), batch}, cache);
      return std::inner_product(y.begin(), y.end(), functional.begin(), 0.0);
    };
    const auto backward = [&](std::vector<double>& gradient, double* input_gradient) {
      L::backward(context, weights<Context>{w.data(), gradient.data()}, cache,
                  reads<Context, Out>{functional.data(), batch}, writes<Context, In>{input_gradient, batch});
    };
    value();
    value();  // the second time, the arena contains old values
    backward(dw, dx.data());
    value();
    backward(again, nullptr);

    gradient_check_result result;
    detail::compare_with_differences(result, "the input", x, dx, how.difference, how.inputs, value);
    for (const parameter& p : parameters_of<L, In>) {
      if (p.role != parameter_role::trainable) continue;
      auto gradient = std::vector<double>(dw.begin() + static_cast<std::ptrdiff_t>(p.offset),
                                          dw.begin() + static_cast<std::ptrdiff_t>(p.offset + p.size()));
      for (double& each : gradient) each -= added;
      detail::compare_with_differences(result, p.name(), std::span{w}.subspan(p.offset, p.size()), gradient,
                                       how.difference, how.weights, value);
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        if (dw[i] != again[i]) {
          result.add(str_cat(p.name(), " without a gradient of the input"), i - p.offset, again[i] - added,
                     dw[i] - added);
          result.error = detail::infinity<double>;
        }
    }
    return result;
  }

}  // namespace pretext::inline v0_1
