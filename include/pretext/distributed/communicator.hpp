// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/device.hpp>

// What a context knows of the other shards of its batch. Single-process programs have no communicator: the
// pointer in the context is null, and everything behind this interface stays out of them.
namespace pretext::inline v0_1::distributed {

/// Can contexts of a device have a communicator? There are no collectives for accelerators yet.
template <class Device>
inline constexpr bool has_collectives = !pretext::detail::declares_accelerator<Device>;

/// Connects the shards of a batch: equal parts of it, each of which is computed in a context of its own, by
/// one of the ranks. Every shard makes the same calls in the same order, each from one thread. Collectives
/// throw `lost_rank` if another shard has stopped, does not call, or calls something else.
template <class Device>
class communicator {
  static_assert(has_collectives<Device>,
                "pretext: a context of an accelerator cannot have a communicator, because there are no "
                "collectives for GPUs yet: train in one process on one GPU, or on<cpu> with ranks.");

 public:
  using stream = typename Device::stream;

  communicator() = default;
  communicator(const communicator&) = delete;
  communicator& operator=(const communicator&) = delete;
  virtual ~communicator() = default;

  /// The index of this shard, and how many shards a batch has.
  virtual std::size_t shard() const = 0;
  virtual std::size_t shards() const = 0;

  /// All-gather: writes the `bytes` of every shard to `all`, in the order of the shards.
  virtual void all_gather(const stream& stream, const void* own, void* all, std::size_t bytes) = 0;
  /// All-reduce: replaces the values by their sums over the shards, which are added in an order that depends
  /// on the number of shards alone.
  virtual void all_reduce(const stream& stream, float* values, std::size_t count) = 0;
  virtual void all_reduce(const stream& stream, double* values, std::size_t count) = 0;

  /// How long collectives wait for the other shards from now on, where the engine can change that, and what
  /// this shard is doing, for the sentence of a `lost_rank`: "step 812".
  virtual void set_patience(std::chrono::milliseconds /*patience*/, std::string_view /*doing*/) {}
};

/// The number of shards of the batch of which a context computes one; 1 without a communicator.
template <class Context>
std::size_t shards_of(const Context& context) {
  if constexpr (has_collectives<typename Context::device>)
    if (context.communicator) return context.communicator->shards();
  return 1;
}

/// Replaces the values by their sums over the shards; does nothing without a communicator.
template <class Context, class T>
void all_reduce(Context& context, T* values, std::size_t count) {
  if constexpr (has_collectives<typename Context::device>)
    if (context.communicator) context.communicator->all_reduce(context.stream, values, count);
}

}  // namespace pretext::inline v0_1::distributed
