#pragma once
// Whole training steps on a device, compared with the CPU's.
#include <limits>
#include <ratio>
#include <stdexcept>
#include <string_view>

#include <pretext/losses/composition.hpp>
#include <pretext/pretext.hpp>

#include "device_pair.hpp"
#include "support/thin_trunk.hpp"

namespace pretext::tests {

/// The losses of some steps, then all buffers: weights, target weights, optimizer state.
template <class Context, class Method, class Optimizer>
results train(const Optimizer& optimizer, std::size_t images, std::size_t steps) {
  using T = typename Context::activation;
  using device = typename Context::device;
  trainer<Method, Context, Optimizer> learner{{}, optimizer, 3};
  results results_so_far(1);
  std::vector<std::uint64_t> samples;
  for (std::size_t i = 0; i < images; ++i) samples.push_back(100 + 7 * i);
  for (std::size_t step = 0; step < steps; ++step) {
    const std::size_t batch = Method::views * images;
    tensor<T, typename Method::images, device> views{batch};
    const auto pixels = random_values<T>(batch * Method::images::size, 50 + static_cast<unsigned>(step));
    device::write(learner.context().stream, views.view().data, pixels.data(), pixels.size());
    double drop_path = 0;
    if constexpr (requires { learner.memory().soft_targets; }) {  // class probabilities
      drop_path = 0.4;
      std::vector<typename Context::weight> probabilities(batch * Method::embedding::size, 0.25f);
      device::write(learner.context().stream, learner.memory().soft_targets.resize(batch).data,
                    probabilities.data(), probabilities.size());
    }
    results_so_far[0].push_back(learner.step(views.view(), {.learning_rate = 0.05,
                                                            .samples = samples,
                                                            .seed = 5,
                                                            .epoch = static_cast<std::uint32_t>(step),
                                                            .drop_path = drop_path}));
  }
  learner.for_each_buffer([&]<class Number>(std::string_view, Number* data, std::size_t count) {
    std::vector<Number> host(count);
    device::read(learner.context().stream, host.data(), data, count);
    results_so_far.emplace_back(host.begin(), host.end());
  });
  return results_so_far;
}

template <class Device, class Numerics, class Method, class Optimizer>
void same_training(double tolerance, const Optimizer& optimizer, std::size_t images, std::size_t steps = 3) {
  const results expected = reference<Device, Numerics>::of(
      [&]<class Context>() { return train<Context, Method>(optimizer, images, steps); });
  if constexpr (requires { typename Device::stream; })
    all_near(train<on<Device, Numerics>, Method>(optimizer, images, steps), expected, tolerance);
}

using small_images = shape<8, 8, 3>;
using small_simclr = simclr<small_images, thin_trunk<basic_block, 4>, simclr_head<9, 6>>;
using small_byol = byol<small_images, thin_trunk<bottleneck_block, 4>, byol_head<9, 6>>;

/// Joint-embedding steps with each optimizer. In float the results drift apart slowly: where an activation
/// rounds to different sides of a ReLU's zero, one side loses its gradient.
template <class Device>
void joint_embedding_steps() {
  same_training<Device, fp64, small_simclr>(1e-9, lars{.weight_decay = 1e-4}, 4);
  same_training<Device, fp32, small_simclr>(1e-3, lars{.weight_decay = 1e-4}, 4);
  same_training<Device, fp64, small_simclr>(1e-9, adamw{}, 4);
  same_training<Device, fp64, small_byol>(1e-9, sgd{.weight_decay = 1e-4}, 5);
  same_training<Device, fp32, small_byol>(1e-3, lars{.variant = lars_variant::byol}, 5);
}

/// TF32 operands, whose rounding shows in networks as small as these. One step only, because the second
/// would start from weights that differ by a percent; bfloat16_training.hpp has longer runs.
template <class Device>
void rounded_steps() {
  same_training<Device, tf32, small_simclr>(1e-2, sgd{}, 4, 1);
}

using small_mae = mae<small_images, vit<2, 16, 2, 2>, mae_decoder<8, 2, 2>, random_masking<std::ratio<1, 2>>>;
using small_simmim = simmim<small_images, vit<2, 16, 2, 2>, block_masking<4>>;
using small_classifier = classification<small_images, encoder<vit<4, 12, 3, 2, mae_fine_tuning>>,
                                        classifier<linear_classifier<4, torch_init>>>;

/// MAE, SimMIM, and fine-tuning with drop path. In float without AdamW: it takes full steps for gradients
/// that are zero up to rounding, such as those of the keys' biases.
template <class Device>
void transformer_steps() {
  same_training<Device, fp64, small_mae>(1e-9, adamw{}, 4);
  same_training<Device, fp32, small_mae>(1e-3, sgd{}, 4);
  same_training<Device, fp64, small_simmim>(1e-9, adamw{}, 4);
  same_training<Device, fp64, small_classifier>(1e-9, layer_decay<adamw>{{}, .7}, 4);
}

/// Losses are added and weighted before the device has computed them.
template <class Device>
void sums_of_losses() {
  same_on_both<Device>(
      []<class Context>(workbench<Context>& at) {
        using rows = shape<6>;
        const auto loss = 0.3 * nt_xent{.temperature = 0.2} + nt_xent{} + 2.0 * (0.5 * nt_xent{.weight = 3});
        const auto z = at.activations(8 * 6, 1), dz = at.activations(8 * 6, 2);
        at.loss(loss(at.context, reads<Context, rows>{at.in(z), 8}, writes<Context, rows>{at.out(dz), 8}));
      },
      3);  // one loss after the other
}

/// A NaN loss throws and changes nothing: not the weights, the target, or the optimizer's state. Training
/// can continue afterwards.
template <class Device>
void nan_steps() {
  using Context = on<Device>;
  using method = small_byol;
  trainer<method, Context, adamw> learner{{}, {}, 3};
  const auto learned = [&] {
    std::vector<std::vector<double>> all;
    learner.for_each_buffer([&]<class Number>(std::string_view, Number* data, std::size_t count) {
      std::vector<Number> host(count);
      Device::read(learner.context().stream, host.data(), data, count);
      all.emplace_back(host.begin(), host.end());
    });
    for (auto& values : all)  // running statistics are updated by the forward pass
      for (const parameter& p : method::parameters)
        for (std::size_t i = 0;
             p.role == parameter_role::buffer && i < p.size() && p.offset + i < values.size(); ++i)
          values[p.offset + i] = 0;
    return all;
  };
  using T = typename Context::activation;
  const auto step = [&](const std::vector<T>& pixels) {
    tensor<T, typename method::images, Device> views{8};
    Device::write(learner.context().stream, views.view().data, pixels.data(), pixels.size());
    return learner.step(views.view(), {.learning_rate = 0.1});
  };
  const auto pixels = random_values<T>(8 * method::images::size, 1);
  step(pixels);
  const auto before = learned();
  auto with_nan = pixels;
  with_nan[17] = T(std::numeric_limits<float>::quiet_NaN());
  CHECK_THROWS_WITH_AS(step(with_nan), doctest::Contains("not a number"), std::runtime_error);
  CHECK(learned() == before);
  learner.start(method::parameters, 3, 3);
  CHECK(std::isfinite(step(pixels)));
  CHECK(learned() != before);
}

/// A value that changes when the device allocates memory.
template <class Device>
std::size_t memory_mark();

/// From the third step on, steps reuse the memory of the step before, although the first one times plans.
template <class Device>
void steps_allocate_nothing() {
  using Context = on<Device>;
  trainer<small_byol, Context, lars> learner{{}, {}, 3};
  time_plans(learner.context());
  using T = typename Context::activation;
  tensor<T, small_images, Device> views{8};
  const auto pixels = random_values<T>(8 * small_images::size, 1);
  Device::write(learner.context().stream, views.view().data, pixels.data(), pixels.size());
  for (int step = 0; step < 2; ++step) learner.step(views.view(), {.learning_rate = 0.1});
  const std::size_t before = memory_mark<Device>();
  for (int step = 0; step < 2; ++step) learner.step(views.view(), {.learning_rate = 0.1});
  CHECK(memory_mark<Device>() == before);
}

}  // namespace pretext::tests
