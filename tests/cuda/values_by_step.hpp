#pragma once
// What changes from step to step (rates of groups, frozen groups, weight decay, values of the loss) reaches
// the optimizer and the loss, also in steps that a device replays.
#include <cstddef>
#include <vector>

#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/optimizers/adamw.hpp>
#include <pretext/optimizers/clipped.hpp>
#include <pretext/optimizers/lars.hpp>
#include <pretext/optimizers/sgd.hpp>
#include <pretext/training/step_queue.hpp>
#include <pretext/training/trainer.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

/// The gradient of each weight is its number times the first value of the loss, which is also what the step
/// returns; without one they are made of 0.5.
struct follows_values {
  using images = shape<4>;
  struct encoder : sequential<named<"trunk", linear<2>>, named<"last", in_group<1, linear<3>>>> {};
  using feature = shape<3>;
  static constexpr std::size_t views = 1, size = weight_count<encoder, images>;
  static constexpr bool has_target = false;
  static constexpr auto parameters = parameters_of<encoder, images>;

  template <class Context>
  struct memory {
    buffer<typename Context::weight, typename Context::device> value{size}, gradient{size};
    buffer<double, typename Context::device> loss{1};
  };

  template <class W>
  struct write_gradient {
    device_scalar<loss_values> loss;
    W* g;
    double* total;
    PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
      const double value = loss_values(loss).value_or(0, 0.5);
      g[i] = static_cast<W>(value * static_cast<double>(i + 1));
      if (i == 0) *total = value;
    }
  };
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, images>,
                                     const step_context& step) const {
    using device = typename Context::device;
    kernels::parallel_for<device>::run(
        context, size, write_gradient<typename Context::weight>{step.loss, m.gradient.data(), m.loss.data()});
    return kernels::sum_of_parts<device>::run(context, 1, 1.0, m.loss.data());
  }
  friend bool operator==(const follows_values&, const follows_values&) = default;
};

/// One batch that never changes.
template <class Context>
struct same_batch {
  tensor<typename Context::activation, shape<4>, typename Context::device> views{2};

  std::size_t images() const { return 2; }
  template <class Trainer>
  keyed_views<Context, shape<4>> operator()(Trainer&, const step_state*) {
    return {views.view()};
  }
};

/// Steps in which everything that may change does.
inline std::vector<step_values> changing_values(std::size_t steps) {
  std::vector<step_values> all;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto step = static_cast<double>(i);
    step_values values{.learning_rate = 0.05 / (1 + step)};
    if (i % 4 != 1) values.weight_decay = 0.04 * step;
    if (i % 3 == 2) values.groups[0].learning_rate = 0.02 * step;
    values.groups[0].frozen = i < 2 || i == 5;
    if (i % 2 == 1) values.loss.of[0] = 0.3 * step;
    all.push_back(values);
  }
  return all;
}

/// Losses and buffers after some steps; each in a queue of its own, unless `queued`.
template <class Context, class Optimizer>
results values_followed(const Optimizer& optimizer, bool queued) {
  trainer<follows_values, Context, Optimizer> learner{{}, optimizer, 3};
  const auto values = changing_values(8);
  results all(1);
  const auto run = [&](std::span<const step_values> some) {
    step_queue queue{learner, same_batch<Context>{}};
    const auto losses = queue.run(some);
    all[0].insert(all[0].end(), losses.begin(), losses.end());
    if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == (queued ? 1 : 0));
  };
  if (queued) run(values);
  for (std::size_t i = 0; !queued && i < values.size(); ++i) run({&values[i], 1});
  learner.for_each_buffer([&]<class Number>(std::string_view, Number* data, std::size_t count) {
    std::vector<Number> host(count);
    Context::device::read(learner.context().stream, host.data(), data, count);
    all.emplace_back(host.begin(), host.end());
  });
  return all;
}

/// Compares steps that a device replays with those that it launches, and with the CPU's.
template <class Device>
void values_by_step() {
  const auto compare = [](const auto& optimizer) {
    const results expected = reference<Device, fp32>::of(
        [&]<class Context>() { return values_followed<Context>(optimizer, false); });
    if constexpr (requires { typename Device::stream; }) {
      const results launched = values_followed<on<Device, fp32>>(optimizer, false);
      all_near(launched, expected, 2e-6);
      CHECK(values_followed<on<Device, fp32>>(optimizer, true) == launched);
    }
  };
  compare(sgd{.nesterov = true, .weight_decay = 0.1});
  compare(lars{.weight_decay = 0.1, .trust_coefficient = 0.1});
  compare(adamw{});
  compare(clipped<adamw>{.norm = 0.7, .by = clip_by::module});
}

}  // namespace pretext::tests
