// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/distributed/detail/thread_group.hpp>
#include <pretext/distributed/engine.hpp>
#include <pretext/distributed/ordered_sum.hpp>

namespace pretext::inline v0_1::distributed {

/// The shards of a batch that one rank holds: of V shards and W ranks, rank r holds those from r·V/W on, V/W
/// of them. Each is computed by a thread of its own in a context of its own, as if it were a rank; so results
/// depend on V and not on W.
template <Engine E>
class shards {
 public:
  /// Stores a pointer to the engine, which must outlive the shards. Throws std::invalid_argument unless the
  /// ranks can hold equally many of `count` shards.
  shards(E& engine, std::size_t count)
      : engine_{&engine},
        count_{checked(count, engine.ranks())},
        group_{"shard", first(), local(), engine.patience()},
        sum_{count, engine.ranks(), engine.rank()},
        arrays_of_floats_(local()),
        arrays_of_doubles_(local()) {}

  /// The shards of a batch.
  std::size_t size() const { return count_; }
  /// How many of them this rank holds, and the first of those.
  std::size_t local() const { return count_ / engine_->ranks(); }
  std::size_t first() const { return engine_->rank() * local(); }

  /// Calls `work(communicator)` in a thread for each shard that this rank holds, and waits for all of them.
  /// When one throws, collectives of the others throw `lost_rank`; `run` rethrows the first exception.
  template <class Work>
  void run(const Work& work) {
    group_.run([&](std::size_t index) {
      member shard{*this, index};
      work(static_cast<communicator<cpu>&>(shard));
    });
  }

 private:
  class member final : public communicator<cpu> {
   public:
    member(distributed::shards<E>& all, std::size_t index) : all_{&all}, index_{index} {}

    std::size_t shard() const override { return all_->first() + index_; }
    std::size_t shards() const override { return all_->size(); }
    void all_gather(const cpu::stream&, const void* own, void* all, std::size_t bytes) override {
      all_->gather(index_, own, all, bytes);
    }
    void all_reduce(const cpu::stream&, float* values, std::size_t count) override {
      all_->reduce(index_, "all_reduce<float>", all_->arrays_of_floats_, values, count);
    }
    void all_reduce(const cpu::stream&, double* values, std::size_t count) override {
      all_->reduce(index_, "all_reduce<double>", all_->arrays_of_doubles_, values, count);
    }
    void set_patience(std::int64_t milliseconds, std::string_view doing) override {
      const std::chrono::milliseconds patience{milliseconds};
      all_->group_.set_patience(patience);
      if constexpr (requires { all_->engine_->set_patience(patience, doing); })
        if (index_ == 0) all_->engine_->set_patience(patience, doing);
    }

   private:
    distributed::shards<E>* all_;
    std::size_t index_;
  };

  static std::size_t checked(std::size_t count, std::size_t ranks) {
    expects(count > 0 && count % ranks == 0, "shards: ", ranks, " ranks cannot hold equally many of ", count,
            " shards; choose a number of shards that is a multiple of the number of ranks");
    return count;
  }

  // The first of the local threads calls the engine, while the others wait to part.

  void gather(std::size_t index, const void* own, void* all, std::size_t bytes) {
    if (local() == 1) return engine_->all_gather(own, all, bytes);
    const auto& calls = group_.meet(index, {"all_gather", bytes, own});
    if (index == 0 && bytes > 0) {
      own_.resize(std::max(own_.size(), local() * bytes));
      gathered_.resize(std::max(gathered_.size(), count_ * bytes));
      for (std::size_t i = 0; i < local(); ++i) std::memcpy(own_.data() + i * bytes, calls[i].own, bytes);
      engine_->all_gather(own_.data(), gathered_.data(), local() * bytes);
    }
    group_.part(index);
    if (bytes > 0) std::memcpy(all, gathered_.data(), count_ * bytes);
  }

  template <class T>
  void reduce(std::size_t index, const char* name, std::vector<T*>& arrays, T* values, std::size_t count) {
    arrays[index] = values;
    group_.meet(index, {name, count * sizeof(T), values});
    sum_.add_local(arrays.data(), count * index / local(), count * (index + 1) / local());
    group_.part(index);
    if (index == 0) sum_.add_ranks(*engine_, arrays.data(), count);
    group_.part(index);
    if (index > 0) std::copy_n(arrays[0], count, values);
    group_.part(index);
  }

  E* engine_;
  std::size_t count_;
  detail::thread_group group_;
  ordered_sum sum_;
  std::vector<float*> arrays_of_floats_;
  std::vector<double*> arrays_of_doubles_;
  std::vector<std::byte> own_, gathered_;
};

}  // namespace pretext::inline v0_1::distributed
