// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>

// What a context knows of the other shards of its batch. Single-process programs have no communicator: the
// pointer in the context is null, and everything behind this interface stays out of them.
namespace pretext::inline v0_1::distributed {

namespace detail {
/// Has another address for every device; not const, so that no two are merged.
template <class Device>
inline char identity_of = 0;
}  // namespace detail

/// A communicator of any device.
class any_communicator {
 public:
  any_communicator() = default;
  any_communicator(const any_communicator&) = delete;
  any_communicator& operator=(const any_communicator&) = delete;
  virtual ~any_communicator() = default;

  /// The index of this shard, and how many shards a batch has.
  virtual std::size_t shard() const = 0;
  virtual std::size_t shards() const = 0;

  /// The communicator itself; null if it is one of another device.
  template <class Device>
  communicator<Device>* on_device() {
    return device() == &detail::identity_of<Device> ? static_cast<communicator<Device>*>(this) : nullptr;
  }

 private:
  template <class Device>
  friend class communicator;
  virtual const char* device() const = 0;
};

/// Connects the shards of a batch: equal parts of it, each of which is computed in a context of its own, by
/// one of the ranks. Every shard makes the same calls in the same order, each from one thread. Collectives
/// throw `lost_rank` if another shard has stopped, does not call, or calls something else. On an accelerator
/// memory is the device's, collectives are put on the stream, and a recorded step contains them.
template <class Device>
class communicator : public any_communicator {
 public:
  using stream = typename Device::stream;

  /// All-gather: writes the `bytes` of every shard to `all`, in the order of the shards.
  virtual void all_gather(const stream& stream, const void* own, void* all, std::size_t bytes) = 0;
  /// All-reduce: replaces the values by their sums over the shards, which are added in an order that depends
  /// on the number of shards alone.
  virtual void all_reduce(const stream& stream, float* values, std::size_t count) = 0;
  virtual void all_reduce(const stream& stream, double* values, std::size_t count) = 0;

  /// Waits until all shards of this rank have made this call. Returns true for one of them, which records
  /// and replays the steps of all; their streams have one order there.
  virtual bool meet(const stream& /*stream*/) { return true; }
  /// Whether `own` is true for all shards of this rank, each of which makes this call.
  virtual bool agree(const stream& /*stream*/, bool own) { return own; }
  /// Waits for the work on the stream, collectives included. Throws `lost_rank`.
  virtual void wait(const stream& /*stream*/) {}

  /// How many milliseconds collectives wait for the other shards from now on, where the engine can change
  /// that, and what this shard is doing, for the sentence of a `lost_rank`: "step 812".
  virtual void set_patience(std::int64_t /*milliseconds*/, std::string_view /*doing*/) {}

 private:
  const char* device() const override { return &detail::identity_of<Device>; }
};

/// The number of shards of the batch of which a context computes one; 1 without a communicator.
template <class Context>
std::size_t shards_of(const Context& context) {
  return context.communicator ? context.communicator->shards() : 1;
}

/// Replaces the values by their sums over the shards; does nothing without a communicator.
template <class Context, class T>
void all_reduce(Context& context, T* values, std::size_t count) {
  if (context.communicator) context.communicator->all_reduce(context.stream, values, count);
}

}  // namespace pretext::inline v0_1::distributed
