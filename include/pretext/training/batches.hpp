// SPDX-License-Identifier: MIT
#pragma once
// Two kinds of batches enter training: images that the host has loaded, of which a trainer makes the views,
// and stacked views that a step queue has a device write into its own memory.
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

#include <pretext/core/context.hpp>
#include <pretext/core/random.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/training/step_values.hpp>

namespace pretext::inline v0_1 {

/// A batch of images with everything that keys its views and draws, such as what `loader::next` returns.
template <class Batch>
concept ImageBatch = requires(const Batch& batch) {
  batch.images[0];
  { batch.images.size() } -> std::convertible_to<std::size_t>;
  { batch.samples } -> std::convertible_to<std::span<const std::uint64_t>>;
  { batch.seed } -> std::convertible_to<std::uint64_t>;
  { batch.epoch } -> std::convertible_to<std::uint32_t>;
};

/// The state of a queued step, in the device's memory: only kernels can read it.
struct step_state {
  std::uint64_t number = 0;  ///< completed steps before it: those whose loss was finite
  std::size_t queued = 0;    ///< steps enqueued before it since losses were last read
  device_step_values values{};
};

/// The stacked views of one step and the keys of its samples, both in the device's memory. `Images` is the
/// shape of the views, (views·n, H, W, C), or a multi_crop.
template <class Context, class Images>
struct keyed_views {
  stacked_views<Context, Images> views{};
  sample_keys keys{};
};

/// Makes the batches of a step queue: `images()` is the number of images of one, and a call puts the work
/// that writes the views of the next step on the stream and returns where they are. What differs from step
/// to step must come from `step_state` or device memory, because a device may replay that work.
template <class B, class Trainer>
concept Batches = requires(B& batches, const B& unchanged, Trainer& trainer, const step_state* now) {
  { unchanged.images() } -> std::convertible_to<std::size_t>;
  {
    batches(trainer, now)
    } -> std::same_as<keyed_views<typename Trainer::context_type, typename Trainer::view_shapes>>;
};

}  // namespace pretext::inline v0_1
