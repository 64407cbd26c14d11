#pragma once
// Steps that a device runs by itself, recorded and replayed, compared with steps that the host launches one
// by one.
#include <limits>
#include <span>
#include <stdexcept>
#include <string_view>

#include <pretext/augment/presets.hpp>
#include <pretext/data/loader.hpp>
#include <pretext/data/memory_source.hpp>
#include <pretext/training/device_batches.hpp>
#include <pretext/training/host_batches.hpp>
#include <pretext/training/step_queue.hpp>

#include "training_steps.hpp"

namespace pretext::tests {

/// 13 small images of four classes: three batches of four, and one image left over.
inline memory_source small_image_set() {
  const std::size_t count = 13, size = 8 * 8 * 3;
  std::vector<std::uint8_t> pixels;
  std::vector<int> labels;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < size; ++k)
      pixels.push_back(static_cast<std::uint8_t>((k * (7 + 2 * i) + 40 * i + (k % 11) * (k % 7)) % 256));
    labels.push_back(static_cast<int>(i % 4));
  }
  return {std::move(pixels), 8, 8, 3, std::move(labels)};
}

/// Some batches unmixed, others with mixup or cutmix.
inline batch_mixing test_mixing() { return {.mixup = {.8}, .cutmix = {1}, .probability = .7f}; }

/// A different learning rate and target momentum for every step.
inline std::vector<step_values> step_schedule(std::size_t steps, double drop_path = 0) {
  std::vector<step_values> all;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto step = static_cast<double>(i);
    all.push_back({0.05 / (1 + 0.2 * step), 1 - 0.1 / (1 + step), drop_path});
  }
  return all;
}

/// All buffers of a trainer.
template <class Trainer>
results buffers_of(Trainer& trainer) {
  results all;
  trainer.for_each_buffer([&]<class Number>(std::string_view, Number* data, std::size_t count) {
    std::vector<Number> host(count);
    Trainer::device::read(trainer.context().stream, host.data(), data, count);
    all.emplace_back(host.begin(), host.end());
  });
  return all;
}

/// A trainer's queue over a data set on the device.
template <class Context, class Method, class Views>
struct device_run {
  using device = typename Context::device;
  using batches = device_batches<Context, typename Method::images, Views>;

  device_dataset<device> images{small_image_set()};
  Views views;
  device_batch_options options{.batch = 4, .seed = 5, .targets = {.mixing = test_mixing(), .smoothing = 0.1}};

  template <class Trainer>
  step_queue<Trainer, batches> queue_for(Trainer& trainer) const {
    return {trainer, batches{images, views, options}};
  }
};

/// The values that one composition of the library is constructed with.
template <class Method, class Optimizer, class Views>
struct composition {
  using method = Method;
  Optimizer optimizer;
  Views views;
  double drop_path = 0;
};
template <class Method, class Optimizer, class Views>
composition<Method, Optimizer, Views> compose(Optimizer optimizer, Views views, double drop_path = 0) {
  return {optimizer, views, drop_path};
}

/// Calls compare(composition) for methods of each kind.
template <class Compare>
void for_each_composition(const Compare& compare) {
  compare(compose<small_simclr>(lars{.weight_decay = 1e-4}, two_views{simclr_cifar()}));
  compare(compose<small_byol>(sgd{.nesterov = true, .weight_decay = 1e-4}, byol_views()));
  compare(compose<small_byol>(any_optimizer<sgd, lars, adamw>{adamw{}}, two_views{crop_and_flip()}));
  compare(compose<small_mae>(adamw{}, mae_augmentation()));
  compare(compose<small_simmim>(adamw{}, mae_augmentation()));
  compare(compose<small_classifier>(layer_decay<adamw>{{}, .7}, mae_fine_tuning_augmentation(), 0.4));
}

template <class Context, class Composition>
auto trainer_of(const Composition& of) {
  auto learner = std::make_unique<
      trainer<typename Composition::method, Context, std::remove_cvref_t<decltype(of.optimizer)>>>(
      typename Composition::method{}, of.optimizer, 3);
  return learner;
}

/// Losses and buffers after a queue has run the steps, `at_a_time` per call.
template <class Context, class Composition>
results queued(const Composition& of, std::size_t steps, std::size_t at_a_time) {
  const auto learner = trainer_of<Context>(of);
  const device_run<Context, typename Composition::method, decltype(of.views)> run{.views = of.views};
  auto queue = run.queue_for(*learner);
  const auto rates = step_schedule(steps, of.drop_path);
  std::vector<double> losses;
  for (std::size_t done = 0; done < steps; done += at_a_time) {
    const auto seen = queue.run(std::span{rates}.subspan(done, std::min(at_a_time, steps - done)));
    losses.insert(losses.end(), seen.begin(), seen.end());
  }
  CHECK(queue.steps() == steps);
  if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == 1);
  results all = buffers_of(*learner);
  all.push_back(losses);
  return all;
}

/// The same with a new queue per step, so that nothing is ever recorded.
template <class Context, class Composition>
results launched(const Composition& of, std::size_t steps) {
  const auto learner = trainer_of<Context>(of);
  const device_run<Context, typename Composition::method, decltype(of.views)> run{.views = of.views};
  const auto rates = step_schedule(steps, of.drop_path);
  std::vector<double> losses;
  for (std::size_t i = 0; i < steps; ++i) {
    auto queue = run.queue_for(*learner);
    queue.set_step(i);
    losses.push_back(queue.run(std::span{rates}.subspan(i, 1)).front());
    CHECK(queue.recordings() == 0);
  }
  results all = buffers_of(*learner);
  all.push_back(losses);
  return all;
}

/// Prepares a classification step as a program does: mixes the batch and writes its soft targets.
template <class Trainer>
void prepare(Trainer& learner, const loader::batch& batch,
             writes<typename Trainer::context_type, small_images> views) {
  if constexpr (requires { learner.memory().soft_targets; }) {
    std::vector<int> labels;
    for (const std::uint64_t sample : batch.samples) labels.push_back(small_image_set().label(sample));
    const sample_keys keys{5, batch.epoch, batch.samples.data(), batch.samples.size()};
    const batch_mix chosen = test_mixing().choose(keys(0), {8, 8});
    mix(learner.context(), chosen, views);
    mixed_targets(learner.context(), chosen, labels, 0.1, learner.memory().soft_targets.resize(4));
  }
}

/// The same with a queue over a loader's batches.
template <class Context, class Composition>
results loaded(const Composition& of, std::size_t steps) {
  using views = decltype(of.views);
  const auto learner = trainer_of<Context>(of);
  loader source{small_image_set(), {.batch = 4, .seed = 5}};
  step_queue queue{*learner, host_batches<Context, small_images, views>{of.views, 5}};
  const auto rates = step_schedule(steps, of.drop_path);
  for (std::size_t i = 0; i < steps; ++i) {
    const auto batch = source.next();
    queue.batches().load(learner->context(), batch.images, batch.samples, batch.epoch);
    prepare(*learner, batch, queue.batches().views());
    queue.enqueue(std::span{rates}.subspan(i, 1));
  }
  const auto losses = queue.wait_losses();
  if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == 1);
  results all = buffers_of(*learner);
  all.emplace_back(losses.begin(), losses.end());
  return all;
}

/// The same with a loader and explicit calls, without a queue.
template <class Context, class Composition>
results unqueued(const Composition& of, std::size_t steps) {
  using device = typename Context::device;
  using method = typename Composition::method;
  const auto learner = trainer_of<Context>(of);
  loader batches{small_image_set(), {.batch = 4, .seed = 5}};
  const auto rates = step_schedule(steps, of.drop_path);
  tensor<typename Context::activation, typename method::images, device> views{4 * method::views};
  std::vector<double> losses;
  for (std::size_t i = 0; i < steps; ++i) {
    const auto batch = batches.next();
    augment(learner->context(), of.views, batch.images, batch.samples, 5, batch.epoch, views.view());
    prepare(*learner, batch, views);
    losses.push_back(learner->step(views.view(), {.learning_rate = rates[i].learning_rate,
                                                  .target_momentum = rates[i].target_momentum,
                                                  .samples = batch.samples,
                                                  .seed = 5,
                                                  .epoch = batch.epoch,
                                                  .drop_path = rates[i].drop_path}));
  }
  results all = buffers_of(*learner);
  all.push_back(losses);
  return all;
}

/// A replayed step computes the same bits as a launched one.
template <class Device>
void recorded_steps() {
  for_each_composition([](const auto& of) {
    const results expected = launched<on<Device>>(of, 8);
    CHECK(queued<on<Device>>(of, 8, 8) == expected);
    CHECK(queued<on<Device>>(of, 8, 3) == expected);
  });
}

/// Batches drawn on the device equal a loader's: the same samples in the same order, the same views and
/// random draws. A loader's batches can be queued as well.
template <class Context>
void loader_steps() {
  for_each_composition([](const auto& of) {
    const results expected = unqueued<Context>(of, 8);
    CHECK(queued<Context>(of, 8, 5) == expected);
    CHECK(loaded<Context>(of, 8) == expected);
  });
}

/// A step is recorded again if a value that the host passes has changed, or if its memory has moved.
template <class Device>
void steps_recorded_again() {
  using Context = on<Device>;
  const auto of = compose<small_byol>(lars{.weight_decay = 1e-4}, byol_views());
  const device_run<Context, small_byol, decltype(of.views)> run{.views = of.views};
  const auto rates = step_schedule(24);
  const auto train = [&](bool records) {
    const auto learner = trainer_of<Context>(of);
    auto queue = run.queue_for(*learner);
    const auto take = [&](std::size_t first, std::size_t steps) {
      for (std::size_t i = first; i < first + steps; ++i) {
        if (!records) {
          queue.~step_queue();
          new (&queue) auto{run.queue_for(*learner)};
          queue.set_step(i);
        }
        queue.run(std::span{rates}.subspan(i, 1));
      }
    };
    take(0, 8);
    learner->optimizer().weight_decay = 0.1;
    take(8, 4);
    tensor<typename Context::activation, small_images, Device> many{64};
    tensor<typename Context::activation, typename small_byol::feature, Device> h{64};
    learner->encode(many.view(), h.view());  // needs more workspace than a step of four images
    take(12, 4);
    if (records) CHECK(queue.recordings() == 3);
    return buffers_of(*learner);
  };
  CHECK(train(true) == train(false));
}

/// Values that depend on the step; at one step they are NaN.
template <class T>
struct write_views {
  std::uint64_t nan_step;
  const step_state* state;
  T* to;
  float none = std::numeric_limits<float>::quiet_NaN();
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const auto value = static_cast<float>((i * 37 + state->number * 11) % 101) / 101;
    to[i] = static_cast<T>(state->number == nan_step ? none : value);
  }
};
template <class Context>
struct nan_batches {
  using T = typename Context::activation;
  std::uint64_t nan_step;
  tensor<T, small_images, typename Context::device> views{8};

  std::size_t images() const { return 4; }
  template <class Trainer>
  keyed_views<Context, small_images> operator()(Trainer& trainer, const step_state* state) {
    kernels::parallel_for<typename Context::device>::run(trainer.context(), 8 * small_images::size,
                                                         write_views<T>{nan_step, state, views.view().data});
    return {views.view()};
  }
};

/// Weights, target and optimizer state without running statistics, which the forward passes update.
template <class Trainer>
results optimized_buffers(Trainer& trainer) {
  results all = buffers_of(trainer);
  for (auto& values : all)
    for (const parameter& p : Trainer::method_type::parameters)
      for (std::size_t i = 0;
           p.role == parameter_role::buffer && i < p.size() && p.offset + i < values.size(); ++i)
        values[p.offset + i] = 0;
  return all;
}

/// A NaN loss blocks its own update and those of all steps queued with it. Reading the losses reports it,
/// and training can continue.
template <class Device>
void nan_queued_steps() {
  using Context = on<Device>;
  using learner = trainer<small_byol, Context, adamw>;
  const auto rates = step_schedule(10);
  learner clean{{}, {}, 3}, with_nan{{}, {}, 3};
  step_queue clean_queue{clean, nan_batches<Context>{100}};
  step_queue nan_queue{with_nan, nan_batches<Context>{6}};
  clean_queue.run(std::span{rates}.first(6));
  nan_queue.enqueue(std::span{rates}.first(4));
  nan_queue.enqueue(std::span{rates}.subspan(4));
  CHECK_THROWS_WITH_AS(nan_queue.wait_losses(), doctest::Contains("not a number"), std::runtime_error);
  CHECK(nan_queue.steps() == 6);
  CHECK(optimized_buffers(with_nan) == optimized_buffers(clean));
  with_nan.start(small_byol::parameters, 3, 3);  // its running statistics have become NaN
  nan_queue.set_step(7);
  CHECK(std::isfinite(nan_queue.run(std::span{rates}.first(1)).front()));
  CHECK(nan_queue.steps() == 8);
}

/// Recorded steps allocate nothing, nor do steps that are enqueued after losses have been read.
template <class Device>
void repeated_steps_allocate_nothing() {
  const auto of = compose<small_byol>(lars{}, byol_views());
  const auto learner = trainer_of<on<Device>>(of);
  const device_run<on<Device>, small_byol, decltype(of.views)> run{.views = of.views};
  auto queue = run.queue_for(*learner);
  const auto rates = step_schedule(20);
  queue.run(std::span{rates}.first(6));
  CHECK(queue.recordings() == 1);
  const std::size_t before = memory_mark<Device>();
  queue.run(std::span{rates}.subspan(6, 7));
  queue.run(std::span{rates}.subspan(13, 7));
  CHECK(memory_mark<Device>() == before);
}

/// Batches that the host uploads during the step.
template <class Context>
struct host_batches {
  tensor<typename Context::activation, small_images, typename Context::device> views{8};
  std::size_t images() const { return 4; }
  template <class Trainer>
  keyed_views<Context, small_images> operator()(Trainer& trainer, const step_state*) {
    const auto pixels = random_values<typename Context::activation>(8 * small_images::size, 1);
    Context::device::write(trainer.context().stream, views.view().data, pixels.data(), pixels.size());
    return {views.view()};
  }
};

/// Replaying a copy from the host would copy whatever the memory contains by then, so recording refuses it.
template <class Device>
void host_copies_cannot_be_recorded() {
  trainer<small_byol, on<Device>, sgd> learner;
  step_queue queue{learner, host_batches<on<Device>>{}};
  const auto rates = step_schedule(10);
  CHECK_THROWS_AS(queue.enqueue(rates), std::logic_error);
}

/// Views of images in device memory, selected by indices in device memory.
template <class Device>
void device_dataset_views() {
  const auto source = small_image_set();
  same_on_both<Device, fp32>(2e-5, [&]<class Context>(workbench<Context>& at) {
    const device_dataset<typename Context::device> images{source};
    const std::vector<std::uint64_t> samples{7, 0, 12, 7, 3};
    const std::vector<std::uint32_t> epoch{2};
    const auto views = byol_views();
    augment(at.context, views, images.chosen(at.in(samples), samples.size()), 9,
            device_scalar<std::uint32_t>::at_address(at.in(epoch)),
            writes<Context, small_images>{at.out(10 * small_images::size), 10});
  });
}

}  // namespace pretext::tests
