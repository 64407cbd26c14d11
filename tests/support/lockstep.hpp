#pragma once
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pretext/io/torch_weights.hpp>

#include "reference.hpp"

// Ten steps in single precision end at the result of double precision unless the input of a ReLU is within
// rounding of zero: then the gradient takes the other branch, and the two runs diverge, in any
// implementation. So double precision runs freely and is compared with the reference; single precision starts
// every step from the state of double precision; and where its gradient is further away, the gradient must be
// shown to be that sensitive to rounding.
namespace pretext::tests {

/// Every buffer of a trainer as double, in order.
template <class Trainer>
std::vector<std::vector<double>> state_of(Trainer& trainer) {
  std::vector<std::vector<double>> all;
  trainer.for_each_buffer(
      [&](std::string_view, auto* data, std::size_t count) { all.emplace_back(data, data + count); });
  return all;
}

/// Sets the buffers of a trainer.
template <class Trainer>
void set_state(Trainer& trainer, const std::vector<std::vector<double>>& state) {
  std::size_t next = 0;
  trainer.for_each_buffer([&]<class T>(std::string_view, T* data, std::size_t count) {
    REQUIRE(state.at(next).size() == count);
    for (std::size_t i = 0; i < count; ++i) data[i] = static_cast<T>(state[next][i]);
    ++next;
  });
}

/// The largest magnitude in a tensor.
inline double max_magnitude(const std::vector<double>& values) {
  double result = 0;
  for (const double value : values) result = std::max(result, std::abs(value));
  return result;
}

/// The largest relative difference of gradients, tensor by tensor. A gradient that batch norm cancels (that
/// of a bias before it) is rounding error on both sides: it is compared with the largest gradient of all.
inline double gradient_difference(const std::vector<std::vector<double>>& found,
                                  const std::vector<std::vector<double>>& expected) {
  REQUIRE(found.size() == expected.size());
  double scale = 0, result = 0;
  for (const auto& tensor : expected) scale = std::max(scale, max_magnitude(tensor));
  for (std::size_t i = 0; i < found.size(); ++i)
    result = std::max(result, max_magnitude(expected[i]) > 1e-12 * scale
                                  ? relative_difference(found[i], expected[i])
                                  : max_magnitude(found[i]) / scale);
  return result;
}

/// The gradients of a network's weights, one tensor after another, in PyTorch's layouts.
template <class T>
std::vector<std::vector<double>> gradients_of(std::span<const parameter> table, const T* gradient) {
  safetensors ours;
  append_torch_tensors<T>(table, gradient, "", ours);
  std::vector<std::vector<double>> all;
  for (const parameter& p : table)
    if (p.role == parameter_role::trainable) {
      const auto numbers = ours.at(std::string{p.name()}).template as<T>();
      all.emplace_back(numbers.begin(), numbers.end());
    }
  return all;
}

/// The gradients of a reference case; `name_of(parameter)` is their name there.
template <class Name>
std::vector<std::vector<double>> gradients_of(std::span<const parameter> table, const safetensors& file,
                                              const Name& name_of) {
  std::vector<std::vector<double>> all;
  for (const parameter& p : table)
    if (p.role == parameter_role::trainable) all.push_back(file.at(name_of(p)).template as<double>());
  return all;
}

/// Compares weights and running statistics with those of a reference case.
template <class T>
void weights_agree(std::span<const parameter> table, const T* value, const safetensors& file,
                   const std::string& prefix, double tolerance) {
  safetensors ours;
  append_torch_tensors<T>(table, value, "", ours);
  for (const parameter& p : table) {
    const auto name = prefix + std::string{p.name()};
    CAPTURE(name);
    CHECK(relative_difference(ours.at(std::string{p.name()}).template as<T>(), file.at(name).as<double>()) <
          tolerance);
  }
}

/// Views 1 and 2 of step k of a reference case, stacked, channels last.
template <class T>
std::vector<T> views_of_step(const safetensors& file, std::size_t k) {
  auto views = channels_last<T>(file.at("view1." + std::to_string(k)));
  const auto second = channels_last<T>(file.at("view2." + std::to_string(k)));
  views.insert(views.end(), second.begin(), second.end());
  return views;
}

/// The largest change of the gradients of step k when the weights change by about the rounding of a float.
template <class Run>
double sensitivity(Run& perturbed, const std::vector<std::vector<double>>& state, std::size_t k,
                   const std::vector<std::vector<double>>& gradients) {
  std::mt19937_64 random{k};
  std::uniform_real_distribution<double> uniform{-1, 1};
  double result = 0;
  for (int draw = 0; draw < 16; ++draw) {
    auto moved = state;
    for (double& weight : moved.front())
      weight *= 1 + 4 * std::numeric_limits<float>::epsilon() * uniform(random);
    set_state(perturbed.learner, moved);
    perturbed.step(k);
    result = std::max(result, gradient_difference(perturbed.gradients(), gradients));
  }
  return result;
}

/// Runs a reference case to its end: `in_double` agrees to 1e-9, `in_float` to 1e-4; `perturbed` is a third
/// run, in double precision. All have learner, step(k), gradients(), first_gradients() (those of the case)
/// and end_agrees(). Gradients in single precision may be further away only where those in double precision
/// change as much when the weights are rounded.
template <class InDouble, class InFloat, class Perturbed>
void lockstep(InDouble&& in_double, InFloat&& in_float, Perturbed&& perturbed, std::size_t steps) {
  for (std::size_t k = 0; k < steps; ++k) {
    CAPTURE(k);
    const auto state = state_of(in_double.learner);
    set_state(in_float.learner, state);
    in_double.step(k);
    in_float.step(k);
    if (k == 0) CHECK(gradient_difference(in_double.gradients(), in_double.first_gradients()) < 1e-9);
    const double difference = gradient_difference(in_float.gradients(), in_double.gradients());
    if (difference < 1e-4) continue;
    MESSAGE("step ", k, ": gradients differ by ", difference, "; the input of a ReLU is near zero");
    CHECK(difference < 2 * sensitivity(perturbed, state, k, in_double.gradients()));
  }
  in_double.end_agrees();
  in_float.end_agrees();
}

}  // namespace pretext::tests
