#include <doctest/doctest.h>

#include <pretext/cpu.hpp>
#include <pretext/data/builtin.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/evaluation/collapse.hpp>

using namespace pretext;

namespace {

using images = shape<16, 16, 3>;
struct thin
    : sequential<named<"", fused_convolution<"conv1", "bn1", convolution<8, 3>>>,
                 named<"layer1", sequential<basic_block<8, 1, initial_scale::zero>>>,
                 named<"layer2", sequential<basic_block<16, 2, initial_scale::zero>>>, global_average_pool> {
};
using with_predictor = byol<images, thin, byol_head<64, 32>>;
using without_predictor = joint_embedding<images, encoder<thin>, projector<byol_head<64, 32>>, target<ema>,
                                          statistics<per_view_statistics>, loss<cosine_regression>>;

/// The collapse monitor's verdict after a hundred steps on built-in images.
template <class Method>
collapse_report after_training(std::size_t steps, double momentum) {
  constexpr std::size_t batch = 32;
  loader batches{builtin_source{{.count = 320, .side = 16}}, {.batch = batch, .threads = 1}};
  trainer<Method, on<cpu>, sgd> learner{
      {}, {.momentum = 0.9, .nesterov = true, .weight_decay = 1e-4}, 1, cpu::stream{1}};
  const cosine_schedule rate{
      .peak = 0.1, .warmup = 20, .length = double(steps), .ramp = warm_up::after_start};
  const cosine_momentum_schedule follows{.base = momentum, .length = double(steps)};
  const augmentation crop{random_resized_crop<>{}, horizontal_flip{}, torchvision_jitter{.4f, .4f, .2f, .1f},
                          grayscale{}};
  tensor<float, images, cpu> views{2 * batch};
  for (std::size_t step = 0; step < steps; ++step) {
    const auto next = batches.next();
    augment(learner.context(), two_views{crop}, next.images, next.samples, 1, next.epoch, views.view());
    learner.step(views.view(),
                 {.learning_rate = rate(double(step)), .target_momentum = follows(double(step))});
  }
  const auto z = learner.memory().z;
  return detect_collapse(feature_table{2 * batch, Method::embedding::size, {z.data, z.data + z.size()}, {}});
}

}  // namespace

TEST_CASE("without a predictor BYOL collapses, and the collapse monitor says so") {
  const collapse_report seen = after_training<without_predictor>(100, 0.8);
  CAPTURE(seen.verdict);
  CHECK(seen.collapsed);
  CHECK(seen.verdict.starts_with("Collapsed"));
}

TEST_CASE("with its predictor BYOL's embedding keeps more than half of the uniform spread") {
  const collapse_report seen = after_training<with_predictor>(100, 0.8);
  CAPTURE(seen.verdict);
  CHECK(!seen.collapsed);
  CHECK(seen.std > seen.uniform_std / 2);
}
