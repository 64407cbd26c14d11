// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <cstddef>
#include <cstring>

#include <pretext/core/expects.hpp>
#include <pretext/distributed/detail/thread_group.hpp>
#include <pretext/distributed/engine.hpp>

namespace pretext::inline v0_1::distributed {

/// Ranks that are threads of this process: for tests, and for runs that need no other process.
class threads {
 public:
  /// An Engine: one of the ranks.
  class rank_type {
   public:
    std::size_t rank() const { return rank_; }
    std::size_t ranks() const { return group_->size(); }
    std::chrono::milliseconds patience() const { return group_->patience(); }

    void all_gather(const void* own, void* all, std::size_t bytes) {
      exchange({"all_gather", bytes, own}, all, 0);
    }
    void all_to_all(const void* parts, void* received, std::size_t bytes) {
      exchange({"all_to_all", bytes, parts}, received, rank_ * bytes);
    }

   private:
    friend threads;
    rank_type(detail::thread_group& group, std::size_t rank) : group_{&group}, rank_{rank} {}

    /// Copies the bytes that begin at `offset` of what every rank shows.
    void exchange(const detail::collective_call& call, void* received, std::size_t offset) {
      auto* to = static_cast<std::byte*>(received);
      for (const auto& other : group_->meet(rank_, call)) {
        if (call.bytes > 0) std::memcpy(to, static_cast<const std::byte*>(other.own) + offset, call.bytes);
        to += call.bytes;
      }
      group_->part(rank_);
    }

    detail::thread_group* group_;
    std::size_t rank_;
  };

  /// A collective that another rank has not called within `patience` throws `lost_rank`. Throws
  /// std::invalid_argument for no ranks.
  explicit threads(std::size_t ranks, std::chrono::milliseconds patience = std::chrono::minutes{10})
      : group_{"rank", 0, ranks, patience} {
    expects(ranks > 0, "threads: there must be at least one rank");
  }

  /// Calls `work(rank)` with a `rank_type` in a thread for each rank and waits for all of them. When one
  /// throws, collectives of the others throw `lost_rank`; `run` rethrows the first exception.
  template <class Work>
  void run(const Work& work) {
    group_.run([&](std::size_t index) {
      rank_type rank{group_, index};
      work(rank);
    });
  }

 private:
  detail::thread_group group_;
};

}  // namespace pretext::inline v0_1::distributed
