// SPDX-License-Identifier: MIT
#pragma once
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <stdexcept>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::distributed {

/// Another rank has stopped, has ended, does not call in time, or makes another call.
struct lost_rank : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The status with which a rank ends that waited for another one in vain; EX_TEMPFAIL of sysexits.h: start
/// the program again.
inline constexpr int exit_lost_rank = 75;

/// Moves bytes between ranks; it never adds. Every rank makes the same calls in the same order, from one
/// thread at a time; the memory of a call's source and destination must not overlap. `all_gather` writes the
/// `bytes` of every rank to `to`, in the order of the ranks. `all_to_all` sends the part r of `from`, of
/// `bytes` each, to rank r, and writes what it receives in the order of the ranks. Calls wait for the other
/// ranks no longer than `patience`, and throw `lost_rank`.
template <class E>
concept Engine = requires(E& engine, const E& unchanged, const void* from, void* to, std::size_t bytes) {
  { unchanged.rank() } -> std::convertible_to<std::size_t>;
  { unchanged.ranks() } -> std::convertible_to<std::size_t>;
  { unchanged.patience() } -> std::convertible_to<std::chrono::milliseconds>;
  engine.all_gather(from, to, bytes);
  engine.all_to_all(from, to, bytes);
};

/// An Engine of one rank, which holds all shards of a batch.
class alone {
 public:
  static std::size_t rank() { return 0; }
  static std::size_t ranks() { return 1; }
  static std::chrono::milliseconds patience() { return std::chrono::minutes{30}; }

  static void all_gather(const void* own, void* all, std::size_t bytes) {
    if (bytes > 0) std::memcpy(all, own, bytes);
  }
  static void all_to_all(const void* parts, void* received, std::size_t bytes) {
    all_gather(parts, received, bytes);
  }
};

}  // namespace pretext::inline v0_1::distributed
