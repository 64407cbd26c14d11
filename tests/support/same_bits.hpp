#pragma once
#include "gradient_check.hpp"

namespace pretext::tests {

/// The output and the gradients of a layer in fp32, concatenated; `prepare` as in gradient_check.hpp.
template <class L, class In, class Prepare = void (*)(on<cpu>&)>
std::vector<float> everything_computed(
    std::size_t batch, std::size_t threads, Prepare prepare = [](on<cpu>&) {}) {
  using Context = on<cpu>;
  using Out = output_of<L, In>;
  const auto as_float = [](const std::vector<double>& values) {
    return std::vector<float>(values.begin(), values.end());
  };
  Context context{.stream = cpu::stream{threads}};
  prepare(context);
  const auto x = as_float(normal_numbers(batch * In::size, 5));
  const auto dy = as_float(normal_numbers(batch * Out::size, 6));
  auto w = as_float(plausible_weights<L, In>(7));
  std::vector<float> y(batch * Out::size), dx(x.size()), dw(w.size());
  cache_of<L, In, Context> cache;
  L::forward(context, weights<Context>{w.data(), nullptr}, reads<Context, In>{x.data(), batch},
             writes<Context, Out>{y.data(), batch}, cache);
  L::backward(context, weights<Context>{w.data(), dw.data()}, cache, reads<Context, Out>{dy.data(), batch},
              writes<Context, In>{dx.data(), batch});
  y.insert(y.end(), dx.begin(), dx.end());
  y.insert(y.end(), dw.begin(), dw.end());
  return y;
}

/// A layer gives the same bits on one, two and three threads.
template <class L, class In>
void same_bits_for_any_threads(std::size_t batch) {
  const auto one = everything_computed<L, In>(batch, 1);
  for (const float value : one) REQUIRE(std::isfinite(value));
  CHECK(one == everything_computed<L, In>(batch, 2));
  CHECK(one == everything_computed<L, In>(batch, 3));
}

}  // namespace pretext::tests
