// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// What a block_store has read so far.
struct block_statistics {
  std::uint64_t blocks_read = 0, bytes_read = 0;
  std::uint64_t peak_bytes = 0;  ///< the most bytes that were stored at once
};

/// The encoded bytes of consecutive samples, read from a file at once.
struct sample_block {
  std::vector<std::byte> bytes;
  std::vector<std::span<const std::byte>> samples;  ///< within `bytes`
};

/// Blocks that were used last, up to a number of bytes. Several threads may ask at once: one of them reads a
/// block, the others wait for it.
class block_store {
 public:
  using block_pointer = std::shared_ptr<const sample_block>;

  explicit block_store(std::uint64_t max_bytes) : max_bytes_{max_bytes} {}

  /// The block of a number, which `read()` returns if it is not stored. Throws what `read` throws.
  template <class Read>
  block_pointer get(std::size_t number, Read&& read) {
    std::promise<block_pointer> promise;
    std::shared_future<block_pointer> stored;
    {
      const std::lock_guard lock{mutex_};
      if (const auto found = entries_.find(number); found != entries_.end()) {
        order_.splice(order_.begin(), order_, found->second.place);
        stored = found->second.block;
      } else {
        order_.push_front(number);
        entries_[number] = {promise.get_future().share(), order_.begin(), 0};
      }
    }
    if (stored.valid()) return stored.get();
    try {
      block_pointer block = std::make_shared<const sample_block>(read());
      promise.set_value(block);
      store(number, block->bytes.size());
      return block;
    } catch (...) {
      promise.set_exception(std::current_exception());
      const std::lock_guard lock{mutex_};
      remove(number);
      throw;
    }
  }

  block_statistics statistics() const {
    const std::lock_guard lock{mutex_};
    return statistics_;
  }

 private:
  struct entry {
    std::shared_future<block_pointer> block;
    std::list<std::size_t>::iterator place;
    std::uint64_t bytes = 0;  // 0 until it was read
  };

  /// Counts a block that was read, and forgets those that were used longest ago.
  void store(std::size_t number, std::uint64_t bytes) {
    const std::lock_guard lock{mutex_};
    ++statistics_.blocks_read;
    statistics_.bytes_read += bytes;
    if (const auto found = entries_.find(number); found != entries_.end()) found->second.bytes = bytes;
    bytes_ += bytes;
    for (auto last = order_.end(); bytes_ > max_bytes_ && last != order_.begin();) {
      const std::size_t oldest = *--last;
      if (oldest == number || entries_.at(oldest).bytes == 0) continue;
      ++last;
      remove(oldest);
    }
    statistics_.peak_bytes = std::max(statistics_.peak_bytes, bytes_);
  }
  void remove(std::size_t number) {
    const auto found = entries_.find(number);
    if (found == entries_.end()) return;
    bytes_ -= found->second.bytes;
    order_.erase(found->second.place);
    entries_.erase(found);
  }

  std::uint64_t max_bytes_, bytes_ = 0;
  mutable std::mutex mutex_;
  std::map<std::size_t, entry> entries_;
  std::list<std::size_t> order_;  // the block that was used last is the first
  block_statistics statistics_;
};

}  // namespace pretext::inline v0_1
