#include <pretext/encoders/resnet.hpp>
#include <pretext/kernels/cpu/cosine_regression.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/byol.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/check_method.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;

/// A thin ResNet with both kinds of shortcut, in which every branch contributes.
struct basic
    : sequential<named<"", fused_convolution<"conv1", "bn1", convolution<6, 3>>>,
                 named<"layer1", sequential<basic_block<6, 1, initial_scale::one>>>,
                 named<"layer2", sequential<basic_block<8, 2, initial_scale::one>>>, global_average_pool> {};
using method = byol<images, basic, byol_head<9, 5>>;
using Context = on<cpu, fp64>;
using learner = trainer<method, Context, sgd>;

std::vector<double> views(std::size_t images_of_each, unsigned seed) {
  return tests::normal_numbers(2 * images_of_each * images::size, seed);
}

template <class T>
std::vector<T> copy_of(const T* data, std::size_t count) {
  return {data, data + count};
}

}  // namespace

TEST_CASE("every gradient of BYOL matches finite differences while the target does not move") {
  const auto found = check_method<method>({}, {.batch = 5, .seed = 3});
  CHECK_MESSAGE(found.error < 1e-6, found.text());
  CHECK(found.compared > 50);
}

TEST_CASE("the loss is the sum of both directions: each view predicts the target's embedding of the other") {
  learner t{{}, {}, 3};
  t.start(method::parameters, 3, 4);
  const std::size_t n = 4;
  const auto pixels = views(n, 5);
  const double both = t.method().learn(t.context(), t.memory(), {pixels.data(), 2 * n}, {});

  // By hand: each network on each view separately, so that statistics are per view.
  Context context;
  const auto outputs = [&]<class Network>(const double* w, std::size_t view) {
    auto own = copy_of(w, weight_count<Network, images>);
    std::vector<double> y(n * 5);
    cache_of<Network, images, Context> cache;
    Network::forward(context, weights<Context>{own.data(), nullptr},
                     reads<Context, images>{pixels.data() + view * n * images::size, n},
                     writes<Context, shape<5>>{y.data(), n}, cache);
    return y;
  };
  double expected = 0;
  for (const std::size_t view : {0, 1}) {
    const auto q = outputs.template operator()<method::online>(t.memory().value.data(), view);
    const auto target = outputs.template operator()<method::trunk>(t.memory().target_values.data(), 1 - view);
    for (std::size_t i = 0; i < n; ++i) {
      double dot = 0, qq = 0, zz = 0;
      for (std::size_t c = i * 5; c < i * 5 + 5; ++c) {
        dot += q[c] * target[c];
        qq += q[c] * q[c];
        zz += target[c] * target[c];
      }
      expected += (2 - 2 * dot / std::sqrt(qq * zz)) / double(n);
    }
  }
  CHECK(both == doctest::Approx(expected).epsilon(1e-12));
}

TEST_CASE("a target with momentum 1 retains its weights, with momentum 0 it equals the online network") {
  learner t{{}, {}, 3};
  t.start(method::parameters, 3, 4);
  auto& m = t.memory();
  const auto before = copy_of(m.target_values.data(), method::target_size);
  const auto pixels = views(4, 7);
  t.step({pixels.data(), 8}, {.learning_rate = 0.1, .target_momentum = 1});
  for (const parameter& p : parameters_of<method::trunk, images>)
    for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
      // The target runs in training mode: its running statistics change.
      REQUIRE((m.target_values.data()[i] == before[i]) == (p.role == parameter_role::trainable));
  t.step({pixels.data(), 8}, {.learning_rate = 0.1, .target_momentum = 0});
  for (const parameter& p : parameters_of<method::trunk, images>)
    if (p.role == parameter_role::trainable)
      for (std::size_t i = p.offset; i < p.offset + p.size(); ++i)
        REQUIRE(m.target_values.data()[i] == doctest::Approx(m.value.data()[i]).epsilon(1e-14));
}

TEST_CASE("a step without a target momentum uses that of the method's target") {
  learner given{{}, {}, 3}, inherited{method{.target = {.momentum = 0.7}}, {}, 3};
  const auto pixels = views(4, 9);
  given.step({pixels.data(), 8}, {.learning_rate = 0.1, .target_momentum = 0.7});
  inherited.step({pixels.data(), 8}, {.learning_rate = 0.1});
  CHECK(copy_of(given.memory().target_values.data(), method::target_size) ==
        copy_of(inherited.memory().target_values.data(), method::target_size));
}

TEST_CASE("both networks have the same initial weights unless the target has another seed") {
  learner t{{}, {}, 3};
  const auto online = [&] { return copy_of(t.memory().value.data(), method::target_size); };
  const auto target = [&] { return copy_of(t.memory().target_values.data(), method::target_size); };
  CHECK(online() == target());
  t.start(method::parameters, 3, 4);
  CHECK(online() != target());
}

TEST_CASE("projector and predictor of ResNet-50 have the published sizes, and lightly's names") {
  using official = byol<shape<32, 32, 3>, resnet50<stem::cifar>>;
  static_assert(trainable_count(parameters_of<official::projector, shape<2048>>) == 9449472);
  static_assert(trainable_count(parameters_of<official::predictor, shape<256>>) == 2109440);
  static_assert(official::parameters[0].name() == "backbone.conv1.weight");
  static_assert(official::parameters.back().name() == "prediction_head.layers.3.weight");
  static_assert(std::same_as<official::embedding, shape<256>>);
}
