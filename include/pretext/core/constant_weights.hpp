// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// Weights in host memory that no call changes, with what kernels make of them: a matrix product packs its
/// weights once and not in every call. Takes the memory of the weights once more. Any number of threads may
/// use one object at the same time.
class constant_weights {
 public:
  /// Of `bytes` bytes from `first` on.
  constant_weights(const void* first, std::size_t bytes)
      : begin_{reinterpret_cast<std::uintptr_t>(first)}, end_{begin_ + bytes} {}

  bool contains(const void* weight) const {
    const auto at = reinterpret_cast<std::uintptr_t>(weight);
    return begin_ <= at && at < end_;
  }

  /// `count` values that `make(memory)` writes in the first call for this weight and these extents; later
  /// calls return the same memory.
  template <class T, class Make>
  const T* prepared(const void* weight, const std::array<std::size_t, 3>& extents, std::size_t count,
                    const Make& make) const {
    const std::lock_guard guard{mutex_};
    memory& made = made_[{weight, extents}];
    if (!made) {
      memory created{static_cast<std::byte*>(operator new[](count * sizeof(T), alignment))};
      make(reinterpret_cast<T*>(created.get()));
      made = std::move(created);
    }
    return reinterpret_cast<const T*>(made.get());
  }

 private:
  static constexpr std::align_val_t alignment{64};  // a vector of AVX-512, a cache line
  struct release {
    void operator()(std::byte* bytes) const { operator delete[](bytes, alignment); }
  };
  using memory = std::unique_ptr<std::byte[], release>;

  std::uintptr_t begin_, end_;
  mutable std::mutex mutex_;
  mutable std::map<std::pair<const void*, std::array<std::size_t, 3>>, memory> made_;
};

}  // namespace pretext::inline v0_1
