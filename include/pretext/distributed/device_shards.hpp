// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <bit>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <pretext/core/device.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/detail/device_sum.hpp>
#include <pretext/distributed/detail/host_member.hpp>
#include <pretext/distributed/detail/turns.hpp>
#include <pretext/distributed/engine.hpp>

namespace pretext::inline v0_1::distributed {

/// Moves bytes between the memories of the devices of ranks, as an Engine does between those of hosts. Calls
/// are put on a stream, and return before the bytes have arrived; `wait` returns when the work on the stream
/// is done, and throws `lost_rank` when another rank does not come within `patience`.
template <class E, class Device>
concept DeviceEngine = requires(E& engine, const E& unchanged, const typename Device::stream& on,
                                const void* from, void* to, std::size_t bytes) {
  { unchanged.rank() } -> std::convertible_to<std::size_t>;
  { unchanged.ranks() } -> std::convertible_to<std::size_t>;
  engine.all_gather(on, from, to, bytes);
  engine.all_to_all(on, from, to, bytes);
  engine.wait(on);
};

/// The shards of a batch that one rank holds on its device: of V shards and W ranks, rank r holds those from
/// r·V/W on, V/W of them. Each has a thread and a context of its own, as on CPUs (shards.hpp), but the
/// threads take turns: their work is put on the device in one order, and a recorded step is one recording of
/// all shards of the rank. A device of several shards has `order(before, after)`: what is put on the stream
/// `after` from now on runs after what is on `before`, and is recorded with it.
template <Accelerator Device, class E>
  requires DeviceEngine<E, Device>
class device_shards {
 public:
  using stream = typename Device::stream;

  /// Stores a pointer to the engine, which must outlive the shards. Throws std::invalid_argument unless the
  /// ranks can hold equally many of `count` shards.
  device_shards(E& engine, std::size_t count)
      : engine_{&engine},
        count_{checked(count, engine.ranks())},
        turns_{"shard", first(), local()},
        calls_(local()) {}

  /// The shards of a batch.
  std::size_t size() const { return count_; }
  /// How many of them this rank holds, and the first of those.
  std::size_t local() const { return count_ / engine_->ranks(); }
  std::size_t first() const { return engine_->rank() * local(); }

  /// Calls `work(communicator)` in a thread for each shard that this rank holds, and waits for all of them;
  /// or `work(communicator, host)` with a communicator of what is on the host, if the engine is an Engine,
  /// too. When one throws, collectives of the others throw `lost_rank`; `run` rethrows the first exception.
  template <class Work>
  void run(const Work& work) {
    turns_.run([&](std::size_t index) {
      if constexpr (requires { engine_->enter_thread(); }) engine_->enter_thread();
      member shard{*this, index};
      if constexpr (std::invocable<const Work&, communicator<Device>&, communicator<cpu>&>) {
        detail::host_member<device_shards> host{*this, index};
        work(static_cast<communicator<Device>&>(shard), static_cast<communicator<cpu>&>(host));
      } else {
        work(static_cast<communicator<Device>&>(shard));
      }
    });
    for (call& each : calls_) each = {};
  }

 private:
  friend detail::host_member<device_shards>;

  /// What a shard calls. All that meet must call the same.
  struct call {
    std::string_view name{};
    std::size_t bytes = 0;
    const void* from = nullptr;
    void* to = nullptr;
    std::optional<stream> on{};
    bool answer = true;
  };

  class member final : public communicator<Device> {
   public:
    member(device_shards& all, std::size_t index) : all_{&all}, index_{index} {}

    std::size_t shard() const override { return all_->first() + index_; }
    std::size_t shards() const override { return all_->size(); }
    void all_gather(const stream& on, const void* own, void* all, std::size_t bytes) override {
      if (all_->meet(index_, {"all_gather", bytes, own, all, on})) all_->gather(bytes);
    }
    void all_reduce(const stream& on, float* values, std::size_t count) override {
      if (all_->meet(index_, {"all_reduce<float>", count * sizeof(float), nullptr, values, on}))
        all_->template reduce<float>(count);
    }
    void all_reduce(const stream& on, double* values, std::size_t count) override {
      if (all_->meet(index_, {"all_reduce<double>", count * sizeof(double), nullptr, values, on}))
        all_->template reduce<double>(count);
    }
    bool meet(const stream& on) override { return all_->meet(index_, {"meet", 0, nullptr, nullptr, on}); }
    bool agree(const stream& on, bool own) override {
      if (all_->meet(index_, {"agree", 0, nullptr, nullptr, on, own}))
        all_->agreed_ = std::all_of(all_->calls_.begin(), all_->calls_.end(),
                                    [](const call& each) { return each.answer; });
      return all_->agreed_;
    }
    void wait(const stream& on) override {
      if (all_->meet(index_, {"wait", 0, nullptr, nullptr, on})) all_->engine_->wait(on);
    }
    void set_patience(std::int64_t milliseconds, std::string_view doing) override {
      all_->set_patience(index_, std::chrono::milliseconds{milliseconds}, doing);
    }

   private:
    device_shards* all_;
    std::size_t index_;
  };

  static std::size_t checked(std::size_t count, std::size_t ranks) {
    expects(count > 0 && count % ranks == 0, "shards: ", ranks, " ranks cannot hold equally many of ", count,
            " shards; choose a number of shards that is a multiple of the number of ranks");
    return count;
  }

  void set_patience(std::size_t index, std::chrono::milliseconds patience, std::string_view doing) {
    if constexpr (requires { engine_->set_patience(patience, doing); })
      if (index == 0) engine_->set_patience(patience, doing);
  }

  /// Waits until all local shards have made the call. Returns true for the first one, which acts for all of
  /// them: its stream is after theirs, and theirs are after its own when they go on.
  bool meet(std::size_t index, const call& own) {
    calls_[index] = own;
    if (local() == 1) return true;
    if (index > 0 && calls_[0].on && own.on) Device::order(*own.on, *calls_[0].on);
    turns_.pass(index);
    if (index > 0) {
      if (calls_[0].on && own.on) Device::order(*calls_[0].on, *own.on);
      return false;
    }
    for (std::size_t other = 1; other < local(); ++other)
      if (calls_[other].name != own.name || calls_[other].bytes != own.bytes)
        throw_error<lost_rank>("shard ", first(), " calls ", own.name, " of ", own.bytes, " bytes, shard ",
                               first() + other, " ", calls_[other].name, " of ", calls_[other].bytes,
                               " bytes; every shard must make the same calls in the same order");
    return true;
  }

  // The first of the local shards acts for all of them, on its stream.

  void gather_on_host(std::size_t bytes) {
    if (local() == 1) return engine_->all_gather(calls_[0].from, calls_[0].to, bytes);
    if (bytes == 0) return;
    std::vector<std::byte> own(local() * bytes);
    for (std::size_t i = 0; i < local(); ++i) std::memcpy(own.data() + i * bytes, calls_[i].from, bytes);
    engine_->all_gather(own.data(), calls_[0].to, own.size());
    for (std::size_t i = 1; i < local(); ++i) std::memcpy(calls_[i].to, calls_[0].to, count_ * bytes);
  }

  const stream& on() const { return *calls_[0].on; }
  /// What `grid::parallel_for` needs of a context.
  struct launcher {
    const typename Device::stream& stream;
  };

  void gather(std::size_t bytes) {
    if (bytes == 0) return;
    if (local() == 1) return engine_->all_gather(on(), calls_[0].from, calls_[0].to, bytes);
    launcher here{on()};
    auto* const own = own_.template of<std::byte>(local() * bytes);
    for (std::size_t i = 0; i < local(); ++i)
      detail::copy_bytes(here, own + i * bytes, calls_[i].from, bytes);
    engine_->all_gather(on(), own, calls_[0].to, local() * bytes);
    for (std::size_t i = 1; i < local(); ++i)
      detail::copy_bytes(here, calls_[i].to, calls_[0].to, count_ * bytes);
  }

  template <class T>
  T* array(std::size_t index) const {
    return static_cast<T*>(calls_[index].to);
  }

  template <class T>
  void reduce(std::size_t count) {
    launcher here{on()};
    // Where the shards of a rank are a subtree, it adds them itself; else the ranks exchange those of all.
    const bool is_subtree = engine_->ranks() == 1 || std::has_single_bit(local());
    for (std::size_t step = 1; is_subtree && step < local(); step *= 2)
      for (std::size_t i = 0; i + step < local(); i += 2 * step)
        grid::parallel_for(here, count, detail::add_array<T>{array<T>(i), array<T>(i + step)});
    if (engine_->ranks() > 1) add_ranks<T>(here, is_subtree ? 1 : local(), count);
    for (std::size_t i = 1; i < local(); ++i)
      grid::parallel_for(here, count, detail::copy_array<T>{array<T>(0), array<T>(i)});
  }

  /// Each rank adds a slice of the arrays, of which it has `rows`; what is left over is added by all.
  template <class T>
  void add_ranks(launcher& here, std::size_t rows, std::size_t count) {
    const std::size_t ranks = engine_->ranks(), slice = count / ranks, whole = slice * ranks;
    if (slice > 0) {
      T* const received = received_.template of<T>(rows * whole);
      if (rows == 1) {
        engine_->all_to_all(on(), array<T>(0), received, slice * sizeof(T));
      } else {  // (rank, row, slice)
        T* const sent = own_.template of<T>(rows * whole);
        for (std::size_t rank = 0; rank < ranks; ++rank)
          for (std::size_t row = 0; row < rows; ++row)
            grid::parallel_for(
                here, slice,
                detail::copy_array<T>{array<T>(row) + rank * slice, sent + (rank * rows + row) * slice});
        engine_->all_to_all(on(), sent, received, rows * slice * sizeof(T));
      }
      grid::parallel_for(here, slice, detail::add_rows_along_tree<T>{ranks * rows, slice, received});
      engine_->all_gather(on(), received, array<T>(0), slice * sizeof(T));
    }
    if (const std::size_t rest = count - whole; rest > 0) {
      T* const sent = own_.template of<T>(rows * rest);
      T* const all = received_.template of<T>(ranks * rows * rest);
      for (std::size_t row = 0; row < rows; ++row)
        grid::parallel_for(here, rest, detail::copy_array<T>{array<T>(row) + whole, sent + row * rest});
      engine_->all_gather(on(), sent, all, rows * rest * sizeof(T));
      grid::parallel_for(here, rest, detail::add_rows_along_tree<T>{ranks * rows, rest, all});
      grid::parallel_for(here, rest, detail::copy_array<T>{all, array<T>(0) + whole});
    }
  }

  E* engine_;
  std::size_t count_;
  detail::turns turns_;
  std::vector<call> calls_;
  bool agreed_ = true;
  detail::growing_memory<Device> own_, received_;
};

}  // namespace pretext::inline v0_1::distributed
