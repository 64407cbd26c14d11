#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/io/torch_weights.hpp>

#include "support/reference.hpp"

namespace pretext::tests {

/// Inference, training, gradients and running statistics of a network of images agree with those of a case
/// (tensors before.*, input, inference, train, cotangent, grad.*, after.*).
template <class Net, class In, class Context>
void network_agrees(const safetensors& file, double tolerance) {
  using T = typename Context::activation;
  using Out = output_of<Net, In>;
  constexpr const auto& table = parameters_of<Net, In>;
  Context context{.stream = cpu::stream{2}};
  const auto x = channels_last<T>(file.at("input"));
  const std::size_t batch = x.size() / In::size;
  std::vector<T> w(parameter_count(table)), dw(w.size()), y(batch * Out::size), dx(x.size());
  read_torch_tensors<T>(table, file, "before.", w.data());

  Net::infer(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
             writes<Context, Out>{y.data(), batch});
  CHECK(relative_difference(y, file.at("inference").as<double>()) < tolerance);

  cache_of<Net, In, Context> cache;
  const auto cotangent = file.at("cotangent").as<T>();
  Net::forward(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
               writes<Context, Out>{y.data(), batch}, cache);
  CHECK(relative_difference(y, file.at("train").as<double>()) < tolerance);
  Net::backward(context, weights<Context>{w.data(), dw.data()}, cache,
                reads<Context, Out>{cotangent.data(), batch}, writes<Context, In>{dx.data(), batch});
  CHECK(relative_difference(dx, channels_last<double>(file.at("grad.input"))) < tolerance);

  safetensors ours, gradients;
  append_torch_tensors<T>(table, w.data(), "", ours);
  append_torch_tensors<T>(table, dw.data(), "", gradients);
  double largest = 0;
  for (const auto& [name, tensor] : file.tensors)
    if (name.starts_with("grad."))
      for (const double each : tensor.template as<double>()) largest = std::max(largest, std::abs(each));
  std::size_t compared = 0;
  for (const parameter& p : table) {
    const std::string name{p.name()};
    CAPTURE(name);
    const bool running = p.role == parameter_role::buffer;
    const auto& expected = file.at((running ? "after." : "grad.") + name);
    const auto found = (running ? ours : gradients).at(name).template as<T>();
    // A shift before a batch norm has no gradient, and what is computed are errors of rounding.
    const auto rounds_zero = [&](auto value) {
      return std::abs(static_cast<double>(value)) < tolerance * largest;
    };
    const bool vanishes = std::ranges::all_of(
        expected.template as<double>(), [&](double value) { return std::abs(value) < 1e-12 * largest; });
    if (!running && vanishes)
      CHECK(std::ranges::all_of(found, rounds_zero));
    else
      CHECK(relative_difference(found, expected.template as<double>()) < tolerance);
    ++compared;
  }
  CHECK(compared == table.size());
}

}  // namespace pretext::tests
