// The parts that docs/extending.md shows are correct, not only compiled.
#include "../../docs/snippets/parts.hpp"

#include <vector>

#include <pretext/core/image.hpp>

#include "../losses/losses.hpp"
#include "support/gradient_check.hpp"

using namespace pretext;
using namespace pretext::tests;

TEST_CASE("the documentation's layer is a Layer, and its gradient matches finite differences") {
  static_assert(Layer<mine::squared_relu, shape<6>, on<cpu>>);
  gradients_match_finite_differences<mine::squared_relu, shape<6>>(3);
}

TEST_CASE(
    "the documentation's loss is a JointLoss, and its gradient matches finite differences and is added") {
  static_assert(JointLoss<mine::alignment>);
  using rows = shape<3>;
  on<cpu, fp64> context;
  auto z = random_rows(4 * rows::size, 1);
  const auto run = [&](std::vector<double>& gradient) {
    return mine::alignment{.weight = 0.7}(context, reads<on<cpu, fp64>, rows>{z.data(), 4},
                                          writes<on<cpu, fp64>, rows>{gradient.data(), 4});
  };
  std::vector<double> gradient(z.size(), 0.25), ignored(z.size());
  run(gradient);
  for (double& g : gradient) g -= 0.25;
  matches_differences(z, gradient, [&] { return run(ignored); });
}

TEST_CASE("the documentation's augmentation inverts with its probability") {
  const augmentation always{mine::invert{.probability = 1}};
  image white{.height = 2, .width = 2, .channels = 3, .pixels = std::vector<std::uint8_t>(12, 255)};
  on<cpu> context;
  tensor<float, shape<2, 2, 3>, cpu> view{1};
  const std::vector<std::uint64_t> samples{0};
  augment(context, always, std::vector<image_view>{white}, samples, 1, 0, view.view());
  for (std::size_t i = 0; i < view.view().size(); ++i) CHECK(view.view().data[i] == doctest::Approx(0));
}
