#include <pretext/encoders/resnet.hpp>
#include <pretext/kernels/cpu/nt_xent.hpp>
#include <pretext/kernels/cpu/optimize.hpp>
#include <pretext/methods/simclr.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/trainer.hpp>

#include "support/gradient_check.hpp"

using namespace pretext;

namespace {

using images = shape<8, 8, 3>;

/// A thin ResNet with both kinds of shortcut; the last γ of each block is initially one, so that every branch
/// contributes.
struct basic
    : sequential<named<"", fused_convolution<"conv1", "bn1", convolution<6, 3>>>,
                 named<"layer1", sequential<basic_block<6, 1, initial_scale::one>>>,
                 named<"layer2", sequential<basic_block<8, 2, initial_scale::one>>>, global_average_pool> {};
struct deep
    : sequential<named<"", fused_convolution<"conv1", "bn1", convolution<6, 7, 2, 3>>>, max_pool<3, 2, 1>,
                 named<"layer1", sequential<bottleneck_block<4, 1, initial_scale::one>,
                                            bottleneck_block<4, 1, initial_scale::one>>>,
                 global_average_pool> {};

template <class Method>
void every_gradient_matches(Method method) {
  using Context = on<cpu, fp64>;
  trainer<Method, Context, sgd> learner{method, {}, 3, cpu::stream{2}};
  auto& m = learner.memory();
  // The official initial weights N(0, 0.01) are too small to reveal a mistake.
  for (const parameter& p : Method::parameters)
    if (p.name().starts_with("projection_head") && p.rank == 2)
      for (std::size_t i = 0; i < p.size(); ++i) m.value.data()[p.offset + i] *= 30;
  auto pixels = tests::normal_numbers(10 * Method::images::size, 3);
  const reads<Context, typename Method::images> views{pixels.data(), 10};
  const double loss = learner.step(views, {});
  CHECK(loss > 0);
  const std::vector<double> gradient(m.gradient.data(), m.gradient.data() + Method::size);
  std::size_t checked = 0;
  for (const parameter& p : Method::parameters) {
    if (p.role == parameter_role::buffer) continue;
    CAPTURE(p.path);
    for (std::size_t i = p.offset; i < p.offset + p.size(); i += 1 + p.size() / 7, ++checked) {
      double& w = m.value.data()[i];
      const double saved = w, h = 1e-6;
      w = saved + h;
      const double up = method.learn(learner.context(), m, views, {});
      w = saved - h;
      const double down = method.learn(learner.context(), m, views, {});
      w = saved;
      CHECK(gradient[i] == doctest::Approx((up - down) / (2 * h)).epsilon(1e-6).scale(1));
    }
  }
  CHECK(checked > 50);
}

}  // namespace

TEST_CASE(
    "every gradient of SimCLR matches finite differences: batch norm, residuals, pooling, head and loss") {
  every_gradient_matches(simclr<images, basic>{.loss = {.temperature = 0.5f}});
  every_gradient_matches(simclr<shape<12, 12, 3>, deep, simclr_v2_head<8, 5>>{.loss = {.temperature = 0.2f}});
}

TEST_CASE("parameters have torchvision's paths below the name of their policy") {
  using method = simclr<shape<32, 32, 3>, resnet18<stem::cifar, 16>>;
  static_assert(method::parameters[0].name() == "backbone.conv1.weight");
  static_assert(method::parameters.back().name() == "projection_head.layers.4.running_var");
  static_assert(std::same_as<method::feature, shape<128>>);
  static_assert(std::same_as<method::embedding, shape<128>>);
}
