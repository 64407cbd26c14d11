#pragma once
// Steps that a device takes by itself, recorded and repeated, beside steps that the host asks for one by one.
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

#include "steps.hpp"

namespace pretext::tests {

/// Thirteen small pictures of four classes: three batches of four, and one that is left out.
inline memory_source small_pictures() {
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

/// Of some batches none, of others mixup or cutmix.
inline batch_mixing some_mixing() { return {.mixup = {.8}, .cutmix = {1}, .probability = .7f}; }

/// A rate and a momentum of its own for every step.
inline std::vector<step_values> some_rates(std::size_t steps, double drop_path = 0) {
  std::vector<step_values> all;
  for (std::size_t i = 0; i < steps; ++i)
    all.push_back(
        {0.05 / (1 + 0.2 * static_cast<double>(i)), 0.9 + 0.01 * static_cast<double>(i), drop_path});
  return all;
}

/// Everything that a trainer has learned.
template <class Trainer>
results learned(Trainer& trainer) {
  results all;
  trainer.for_each_buffer([&]<class Number>(std::string_view, Number* data, std::size_t count) {
    std::vector<Number> host(count);
    Trainer::device::read(trainer.context().stream, host.data(), data, count);
    all.emplace_back(host.begin(), host.end());
  });
  return all;
}

/// A trainer with its resident batches.
template <class Context, class Method, class Views>
struct resident_run {
  using device = typename Context::device;
  using batches = device_batches<Context, typename Method::images, Views>;

  device_dataset<device> images{small_pictures()};
  Views views;
  device_batch_options options{.batch = 4, .seed = 5, .targets = {.mixing = some_mixing(), .smoothing = 0.1}};

  template <class Trainer>
  step_queue<Trainer, batches> queue_for(Trainer& trainer) const {
    return {trainer, batches{images, views, options}};
  }
};

/// What one composition of the library is called with.
template <class Method, class Optimizer, class Views>
struct composition {
  using method = Method;
  Optimizer optimizer;
  Views views;
  double drop_path = 0;
};
template <class Method, class Optimizer, class Views>
composition<Method, Optimizer, Views> composed(Optimizer optimizer, Views views, double drop_path = 0) {
  return {optimizer, views, drop_path};
}

/// `compare(composition)` for a method of each kind.
template <class Compare>
void for_each_composition(const Compare& compare) {
  compare(composed<small_simclr>(lars{.weight_decay = 1e-4}, two_views{simclr_cifar()}));
  compare(composed<small_byol>(sgd{.nesterov = true, .weight_decay = 1e-4}, byol_views()));
  compare(composed<small_byol>(any_optimizer<sgd, lars, adamw>{adamw{}}, two_views{crop_and_flip()}));
  compare(composed<small_mae>(adamw{}, mae_augmentation()));
  compare(composed<small_simmim>(adamw{}, mae_augmentation()));
  compare(composed<small_classifier>(layer_decay<adamw>{{}, .7}, mae_fine_tuning_augmentation(), 0.4));
}

template <class Context, class Composition>
auto trainer_of(const Composition& of) {
  auto made = std::make_unique<
      trainer<typename Composition::method, Context, std::remove_cvref_t<decltype(of.optimizer)>>>(
      typename Composition::method{}, of.optimizer, 3);
  return made;
}

/// Losses, and what was learned, after steps that a queue took, some at a time.
template <class Context, class Composition>
results queued(const Composition& of, std::size_t steps, std::size_t at_a_time) {
  const auto learner = trainer_of<Context>(of);
  const resident_run<Context, typename Composition::method, decltype(of.views)> run{.views = of.views};
  auto queue = run.queue_for(*learner);
  const auto rates = some_rates(steps, of.drop_path);
  std::vector<double> losses;
  for (std::size_t done = 0; done < steps; done += at_a_time) {
    const auto seen = queue.run(std::span{rates}.subspan(done, std::min(at_a_time, steps - done)));
    losses.insert(losses.end(), seen.begin(), seen.end());
  }
  CHECK(queue.steps() == steps);
  if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == 1);
  results all = learned(*learner);
  all.push_back(losses);
  return all;
}

/// The same by queues that take one step each, so that nothing is ever recorded.
template <class Context, class Composition>
results launched(const Composition& of, std::size_t steps) {
  const auto learner = trainer_of<Context>(of);
  const resident_run<Context, typename Composition::method, decltype(of.views)> run{.views = of.views};
  const auto rates = some_rates(steps, of.drop_path);
  std::vector<double> losses;
  for (std::size_t i = 0; i < steps; ++i) {
    auto queue = run.queue_for(*learner);
    queue.set_step(i);
    losses.push_back(queue.run(std::span{rates}.subspan(i, 1)).front());
    CHECK(queue.recordings() == 0);
  }
  results all = learned(*learner);
  all.push_back(losses);
  return all;
}

/// What a program does before a step that classifies: it mixes the batch and writes its goals.
template <class Trainer>
void prepare(Trainer& learner, const loader::batch& batch,
             writes<typename Trainer::context_type, small_images> views) {
  if constexpr (requires { learner.memory().soft_targets; }) {
    std::vector<int> labels;
    for (const std::uint64_t sample : batch.samples) labels.push_back(small_pictures().label(sample));
    const sample_keys keys{5, batch.epoch, batch.samples.data(), batch.samples.size()};
    const batch_mix chosen = some_mixing().choose(keys(0), {8, 8});
    mix(learner.context(), chosen, views);
    mixed_targets(learner.context(), chosen, labels, 0.1, learner.memory().soft_targets.resize(4));
  }
}

/// The same by a queue whose batches are a loader's.
template <class Context, class Composition>
results loaded(const Composition& of, std::size_t steps) {
  using views = decltype(of.views);
  const auto learner = trainer_of<Context>(of);
  loader source{small_pictures(), {.batch = 4, .seed = 5}};
  step_queue queue{*learner, host_batches<Context, small_images, views>{of.views, 5}};
  const auto rates = some_rates(steps, of.drop_path);
  for (std::size_t i = 0; i < steps; ++i) {
    const auto batch = source.next();
    queue.batches().load(learner->context(), batch.images, batch.samples, batch.epoch);
    prepare(*learner, batch, queue.batches().views());
    queue.enqueue(std::span{rates}.subspan(i, 1));
  }
  const auto losses = queue.wait_losses();
  if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == 1);
  results all = learned(*learner);
  all.emplace_back(losses.begin(), losses.end());
  return all;
}

/// The same by a loader and everything that a program calls for a step.
template <class Context, class Composition>
results fed(const Composition& of, std::size_t steps) {
  using device = typename Context::device;
  using method = typename Composition::method;
  const auto learner = trainer_of<Context>(of);
  loader batches{small_pictures(), {.batch = 4, .seed = 5}};
  const auto rates = some_rates(steps, of.drop_path);
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
  results all = learned(*learner);
  all.push_back(losses);
  return all;
}

/// Recorded once and repeated, a step computes what it computes when it is launched, bit for bit.
template <class Device>
void recorded_steps() {
  for_each_composition([](const auto& of) {
    const results expected = launched<on<Device>>(of, 8);
    CHECK(queued<on<Device>>(of, 8, 8) == expected);
    CHECK(queued<on<Device>>(of, 8, 3) == expected);
  });
}

/// Batches of the device are those of a loader: the same samples in the same order, the same views and draws;
/// and a loader's may be queued, too.
template <class Context>
void fed_steps() {
  for_each_composition([](const auto& of) {
    const results expected = fed<Context>(of, 8);
    CHECK(queued<Context>(of, 8, 5) == expected);
    CHECK(loaded<Context>(of, 8) == expected);
  });
}

/// A step is recorded again when what the host has passed to it has changed, or the memory that it is in.
template <class Device>
void steps_recorded_again() {
  using Context = on<Device>;
  const auto of = composed<small_byol>(lars{.weight_decay = 1e-4}, byol_views());
  const resident_run<Context, small_byol, decltype(of.views)> run{.views = of.views};
  const auto rates = some_rates(24);
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
    learner->encode(many.view(), h.view());  // takes more scratch memory than a step of four
    take(12, 4);
    if (records) CHECK(queue.recordings() == 3);
    return learned(*learner);
  };
  CHECK(train(true) == train(false));
}

/// Some numbers, at one step others that are none.
template <class T>
struct write_views {
  std::uint64_t breaks_at;
  const step_state* now;
  T* to;
  float none = std::numeric_limits<float>::quiet_NaN();
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const auto number = static_cast<float>((i * 37 + now->number * 11) % 101) / 101;
    to[i] = static_cast<T>(now->number == breaks_at ? none : number);
  }
};
template <class Context>
struct breaking_batches {
  using T = typename Context::activation;
  std::uint64_t breaks_at;
  tensor<T, small_images, typename Context::device> views{8};

  std::size_t images() const { return 4; }
  template <class Trainer>
  keyed_views<Context, small_images> operator()(Trainer& trainer, const step_state* now) {
    kernels::parallel_for<typename Context::device>::run(trainer.context(), 8 * small_images::size,
                                                         write_views<T>{breaks_at, now, views.view().data});
    return {views.view()};
  }
};

/// Weights, target and moments; running statistics belong to the forward passes.
template <class Trainer>
results optimised(Trainer& trainer) {
  results all = learned(trainer);
  for (auto& numbers : all)
    for (const parameter& p : Trainer::method_type::parameters)
      for (std::size_t i = 0;
           p.role == parameter_role::buffer && i < p.size() && p.offset + i < numbers.size(); ++i)
        numbers[p.offset + i] = 0;
  return all;
}

/// A loss that is not a number holds back its own update and those of all steps that were asked for with it;
/// it is reported when losses are read, and training can go on.
template <class Device>
void broken_queued_steps() {
  using Context = on<Device>;
  using learner = trainer<small_byol, Context, adamw>;
  const auto rates = some_rates(10);
  learner whole{{}, {}, 3}, broken{{}, {}, 3};
  step_queue whole_steps{whole, breaking_batches<Context>{100}};
  step_queue broken_steps{broken, breaking_batches<Context>{6}};
  whole_steps.run(std::span{rates}.first(6));
  broken_steps.enqueue(std::span{rates}.first(4));
  broken_steps.enqueue(std::span{rates}.subspan(4));
  CHECK_THROWS_WITH_AS(broken_steps.wait_losses(), doctest::Contains("not a number"), std::runtime_error);
  CHECK(broken_steps.steps() == 6);
  CHECK(optimised(broken) == optimised(whole));
  broken.start(small_byol::parameters, 3, 3);  // its running statistics have seen what is no number
  broken_steps.set_step(7);
  CHECK(std::isfinite(broken_steps.run(std::span{rates}.first(1)).front()));
  CHECK(broken_steps.steps() == 8);
}

/// Nothing is allocated by steps that were recorded, nor by those that are put again after their losses.
template <class Device>
void repeated_steps_allocate_nothing() {
  const auto of = composed<small_byol>(lars{}, byol_views());
  const auto learner = trainer_of<on<Device>>(of);
  const resident_run<on<Device>, small_byol, decltype(of.views)> run{.views = of.views};
  auto queue = run.queue_for(*learner);
  const auto rates = some_rates(20);
  queue.run(std::span{rates}.first(6));
  CHECK(queue.recordings() == 1);
  const std::size_t before = memory_mark<Device>();
  queue.run(std::span{rates}.subspan(6, 7));
  queue.run(std::span{rates}.subspan(13, 7));
  CHECK(memory_mark<Device>() == before);
}

/// Batches that the host writes whenever a step is put on the stream.
template <class Context>
struct host_batches {
  tensor<typename Context::activation, small_images, typename Context::device> views{8};
  std::size_t images() const { return 4; }
  template <class Trainer>
  keyed_views<Context, small_images> operator()(Trainer& trainer, const step_state*) {
    const auto pixels = some_numbers<typename Context::activation>(8 * small_images::size, 1);
    Context::device::write(trainer.context().stream, views.view().data, pixels.data(), pixels.size());
    return {views.view()};
  }
};

/// A copy from the host would be made again with whatever stands there then: it is refused.
template <class Device>
void host_copies_are_not_recorded() {
  trainer<small_byol, on<Device>, sgd> learner;
  step_queue queue{learner, host_batches<on<Device>>{}};
  const auto rates = some_rates(10);
  CHECK_THROWS_AS(queue.enqueue(rates), std::logic_error);
}

/// Views of images that lie on the device, chosen by numbers that lie there, too.
template <class Device>
void resident_views() {
  const auto source = small_pictures();
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
