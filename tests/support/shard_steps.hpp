#pragma once
// Training steps of one shard, on any device.
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include <pretext/distributed/communicator.hpp>

#include "cuda/queued_steps.hpp"

namespace pretext::tests {

/// The rows of a shard of every view: values that depend on the step and the image.
template <class T>
struct write_rows {
  const step_state* state;
  std::size_t images, first, batch;  // of the shard, its first one, of all shards
  std::uint64_t nan_step;            // of the first image
  T* to;
  float none = std::numeric_limits<float>::quiet_NaN();

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t row = i / small_images::size, view = row / images, image = first + row % images;
    const std::size_t at = (view * batch + image) * small_images::size + i % small_images::size;
    const auto value = static_cast<float>((at * at * 37 + state->number * 11 + at) % 101) / 50 - 1;
    to[i] = static_cast<T>(state->number == nan_step && image == 0 ? none : value);
  }
};
/// Probabilities of four classes.
template <class W>
struct write_targets {
  std::size_t first;
  W* to;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    to[i] = (first + i / 4) % 4 == i % 4 ? W(0.7) : W(0.1);
  }
};
/// Images of all shards.
inline constexpr std::size_t batch_of_shards = 8;
inline constexpr std::uint64_t never = 1000;

template <class Context, std::size_t Views>
struct rows_of_shard {
  using T = typename Context::activation;
  std::size_t count, first;
  std::uint64_t nan_step;
  tensor<T, small_images, typename Context::device> views{Views * count};
  buffer<std::uint64_t, typename Context::device> samples{count};

  rows_of_shard(Context& context, std::size_t shard, std::size_t shards, std::uint64_t nan_at)
      : count{batch_of_shards / shards}, first{shard * count}, nan_step{nan_at} {
    std::vector<std::uint64_t> numbers;
    for (std::size_t i = 0; i < count; ++i) numbers.push_back(100 + 7 * (first + i));
    Context::device::write(context.stream, samples.data(), numbers.data(), count);
  }
  std::size_t images() const { return count; }
  template <class Trainer>
  keyed_views<Context, small_images> operator()(Trainer& trainer, const step_state* state) {
    kernels::parallel_for<typename Context::device>::run(
        trainer.context(), Views * count * small_images::size,
        write_rows<T>{state, count, first, batch_of_shards, nan_step, views.view().data});
    if constexpr (requires { trainer.memory().soft_targets; }) {
      auto* const targets = trainer.memory().soft_targets.resize(count).data;
      kernels::parallel_for<typename Context::device>::run(
          trainer.context(), count * 4,
          write_targets<std::remove_pointer_t<decltype(targets)>>{first, targets});
    }
    return {views.view(), {5, 0, samples.data(), count}};
  }
};

/// Losses and buffers after some steps of a shard, `at_a_time` per call of the queue; 0: no step is recorded.
template <class Context, class Method, class Optimizer>
results train_shard(distributed::communicator<typename Context::device>* own, const Optimizer& optimizer,
                    std::size_t steps, std::size_t at_a_time, std::uint64_t nan_at = never) {
  trainer<Method, Context, Optimizer> learner{{}, optimizer, 3};
  learner.context().communicator = own;
  const std::size_t shard = own ? own->shard() : 0, shards = own ? own->shards() : 1;
  const double drop_path = std::same_as<Method, small_classifier> ? 0.4 : 0;
  using batches = rows_of_shard<Context, Method::views>;
  step_queue queue{learner, batches{learner.context(), shard, shards, nan_at}};
  const auto rates = step_schedule(steps, drop_path);
  results all(1);
  for (std::size_t done = 0; done < steps; done += std::max<std::size_t>(at_a_time, 1)) {
    std::optional<step_queue<trainer<Method, Context, Optimizer>, batches>> unrecorded;
    if (at_a_time == 0) unrecorded.emplace(learner, batches{learner.context(), shard, shards, nan_at});
    if (at_a_time == 0) unrecorded->set_step(done);
    auto& chosen = at_a_time == 0 ? *unrecorded : queue;
    const auto seen = chosen.run(
        std::span{rates}.subspan(done, std::min(std::max<std::size_t>(at_a_time, 1), steps - done)));
    all[0].insert(all[0].end(), seen.begin(), seen.end());
  }
  if constexpr (detail::Recorder<typename Context::device>) CHECK(queue.recordings() == (at_a_time > 0));
  const results buffers = buffers_of(learner);
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

}  // namespace pretext::tests
