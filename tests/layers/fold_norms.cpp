#include <pretext/layers/fold_norms.hpp>

#include <cstddef>
#include <type_traits>
#include <vector>

#include <doctest/doctest.h>

#include <pretext/inference.hpp>
#include <pretext/training/initialise.hpp>

using namespace pretext;

namespace {

template <class Network, class In>
std::vector<float> run(std::vector<float>& values, bool folded) {
  on<cpu> context;
  std::vector<float> x(2 * In::size), y(2 * output_of<Network, In>::size);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = random_key{4, 0, i}.uniform(0);
  Network::infer(context, weights<on<cpu>>{values.data(), nullptr, nullptr, folded},
                 reads<on<cpu>, In>{x.data(), 2}, writes<on<cpu>, output_of<Network, In>>{y.data(), 2});
  return y;
}

/// Weights, scales and statistics that all differ from their defaults.
template <class Network, class In>
std::vector<float> some_values() {
  constexpr const auto& table = parameters_of<Network, In>;
  std::vector<float> values(parameter_count(table));
  initialise<float>(table, 5, values.data());
  for (const parameter& p : table)
    for (std::size_t i = 0; p.rank == 1 && i < p.size(); ++i)
      values[p.offset + i] = .5f * values[p.offset + i] + .25f + random_key{9, 0, p.offset + i}.uniform(0);
  return values;
}

using images = shape<16, 16, 3>;
/// A batch norm that no convolution is fused with is left alone.
struct unfused : sequential<convolution<8, 3>, batch_norm<>, relu, global_average_pool, batch_norm<>> {};
/// A depthwise convolution with a batch norm of another ε.
struct mobile : sequential<fused_convolution<"0", "1", depthwise_convolution<3, 1, 1, bias::no>,
                                             activation::relu, initial_scale::one, mobile_batch_norm>> {};

}  // namespace

TEST_CASE_TEMPLATE("a folded network computes the bits of the network, and nearly the same if run as it was",
                   Network, resnet18<stem::cifar, 8>, resnet50<stem::imagenet, 8>, unfused,
                   fused_convolution<"conv", "bn", convolution<8, 3, 1, 1, bias::yes>>, mobile) {
  auto values = some_values<Network, images>();
  const auto original = values;
  const auto expected = run<Network, images>(values, false);
  fold_norms<float>(parameters_of<Network, images>, values.data());
  CHECK((values != original) == !std::is_same_v<Network, unfused>);
  CHECK(run<Network, images>(values, true) == expected);
  const auto unaware = run<Network, images>(values, false);
  for (std::size_t i = 0; i < expected.size(); ++i)
    CHECK(static_cast<double>(unaware[i]) == doctest::Approx(static_cast<double>(expected[i])).epsilon(1e-4));
}
