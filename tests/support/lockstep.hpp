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

// Ten steps in single precision end where those in double precision do unless a ReLU's input lies within
// rounding of zero: then the gradient takes the other side, and from there the two part for good, whoever
// computes. So double precision runs freely and is held to the reference, single precision begins every step
// where double precision stands, and a gradient that is further away must be shown to be that sensitive.
namespace pretext::tests {

/// Every buffer of a trainer as double, in order.
template <class Trainer>
std::vector<std::vector<double>> state_of(Trainer& trainer) {
  std::vector<std::vector<double>> all;
  trainer.for_each_buffer(
      [&](std::string_view, auto* data, std::size_t count) { all.emplace_back(data, data + count); });
  return all;
}

/// Puts one trainer where another stands.
template <class Trainer>
void set_state(Trainer& trainer, const std::vector<std::vector<double>>& state) {
  std::size_t at = 0;
  trainer.for_each_buffer([&]<class T>(std::string_view, T* data, std::size_t count) {
    REQUIRE(state.at(at).size() == count);
    for (std::size_t i = 0; i < count; ++i) data[i] = static_cast<T>(state[at][i]);
    ++at;
  });
}

/// The largest number of a tensor.
inline double largest(const std::vector<double>& numbers) {
  double most = 0;
  for (const double number : numbers) most = std::max(most, std::abs(number));
  return most;
}

/// How far gradients are from others, tensor by tensor, at most. A gradient that batch norm cancels (that of
/// a bias in front of it) is rounding on both sides: it must be as small, in proportion to the largest of
/// all.
inline double gradient_difference(const std::vector<std::vector<double>>& found,
                                  const std::vector<std::vector<double>>& expected) {
  REQUIRE(found.size() == expected.size());
  double scale = 0, most = 0;
  for (const auto& tensor : expected) scale = std::max(scale, largest(tensor));
  for (std::size_t i = 0; i < found.size(); ++i)
    most = std::max(most, largest(expected[i]) > 1e-12 * scale ? relative_difference(found[i], expected[i])
                                                               : largest(found[i]) / scale);
  return most;
}

/// The gradients of a network's weights, one tensor after another, in torch's layouts.
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

/// The same of a case; `name_of(parameter)` is what it is called there.
template <class Name>
std::vector<std::vector<double>> gradients_of(std::span<const parameter> table, const safetensors& file,
                                              const Name& name_of) {
  std::vector<std::vector<double>> all;
  for (const parameter& p : table)
    if (p.role == parameter_role::trainable) all.push_back(file.at(name_of(p)).template as<double>());
  return all;
}

/// Holds weights and running statistics to those of a case.
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

/// Views 1 and 2 of step k of a case, stacked, channels last.
template <class T>
std::vector<T> views_of_step(const safetensors& file, std::size_t k) {
  auto views = channels_last<T>(file.at("view1." + std::to_string(k)));
  const auto second = channels_last<T>(file.at("view2." + std::to_string(k)));
  views.insert(views.end(), second.begin(), second.end());
  return views;
}

/// How far the gradients of step k move, at most, when the weights move by about a float's rounding.
template <class Run>
double sensitivity(Run& shaken, const std::vector<std::vector<double>>& state, std::size_t k,
                   const std::vector<std::vector<double>>& gradients) {
  std::mt19937_64 random{k};
  std::uniform_real_distribution<double> part{-1, 1};
  double most = 0;
  for (int draw = 0; draw < 16; ++draw) {
    auto moved = state;
    for (double& weight : moved.front())
      weight *= 1 + 4 * std::numeric_limits<float>::epsilon() * part(random);
    set_state(shaken.learner, moved);
    shaken.step(k);
    most = std::max(most, gradient_difference(shaken.gradients(), gradients));
  }
  return most;
}

/// Runs a case to its end: `twice` in double precision to 1e-9, `once` in single precision to 1e-4; `shaken`
/// is a third run, in double precision. All offer learner, step(k), gradients(), first_gradients() (those of
/// the case) and end_agrees(). Gradients in single precision may be further away only where those in double
/// precision move as far when the weights are rounded.
template <class Twice, class Once, class Shaken>
void lockstep(Twice&& twice, Once&& once, Shaken&& shaken, std::size_t steps) {
  for (std::size_t k = 0; k < steps; ++k) {
    CAPTURE(k);
    const auto state = state_of(twice.learner);
    set_state(once.learner, state);
    twice.step(k);
    once.step(k);
    if (k == 0) CHECK(gradient_difference(twice.gradients(), twice.first_gradients()) < 1e-9);
    const double apart = gradient_difference(once.gradients(), twice.gradients());
    if (apart < 1e-4) continue;
    MESSAGE("step ", k, ": gradients ", apart, " apart; a ReLU's input is near zero");
    CHECK(apart < 2 * sensitivity(shaken, state, k, twice.gradients()));
  }
  twice.end_agrees();
  once.end_agrees();
}

}  // namespace pretext::tests
