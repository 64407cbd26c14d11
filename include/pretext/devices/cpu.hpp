// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>

#include <pretext/core/function_ref.hpp>
#include <pretext/devices/thread_pool.hpp>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pretext::inline v0_1 {

/// The processor that the program runs on.
struct cpu {
  /// Executes kernels on a pool of threads: `on<cpu> context{cpu::stream{4}}`; one thread by default. Copies
  /// share the pool and may be used from several threads at once: one kernel at a time uses the pool's
  /// threads.
  class stream {
   public:
    stream() = default;
    explicit stream(std::size_t threads)
        : pool_{threads > 1 ? std::make_shared<thread_pool>(threads) : nullptr} {}

    std::size_t threads() const { return pool_ ? pool_->threads() : 1; }

    /// `work(block)`, or `work(block, thread)`, for every block in [0, blocks).
    template <class Work>
    void for_each_block(std::size_t blocks, Work&& work) const {
      if constexpr (std::is_invocable_v<Work&, std::size_t, std::size_t>)
        run(blocks, work);
      else
        run(blocks, [&](std::size_t block, std::size_t) { work(block); });
    }

    /// `work(begin, end)` over [0, count) in runs of `length`, which must not depend on the number of
    /// threads.
    template <class Work>
    void for_each_run(std::size_t count, std::size_t length, Work&& work) const {
      for_each_block((count + length - 1) / length,
                     [&](std::size_t block) { work(block * length, std::min(count, (block + 1) * length)); });
    }

   private:
    // Out of line, so that each kernel has one copy of the code of its block.
    [[gnu::noinline]] void run(std::size_t blocks, function_ref<void(std::size_t, std::size_t)> work) const {
      if (pool_) return pool_->run(blocks, work);
      for (std::size_t block = 0; block < blocks; ++block) work(block, 0);
    }

    std::shared_ptr<thread_pool> pool_;
  };

  /// The system assigns physical memory to a page only when the page is written.
  static constexpr bool pages_on_demand = true;

  /// `count` elements, all zero.
  template <class T>
  static T* allocate(std::size_t count) {
    T* data = allocate_undefined<T>(count);
    std::uninitialized_value_construct_n(data, count);
    return data;
  }
  /// The same without clearing it, aligned to 64 bytes.
  template <class T>
  static T* allocate_undefined(std::size_t count) {
    if (count == 0) return nullptr;
    if (count > static_cast<std::size_t>(PTRDIFF_MAX) / sizeof(T)) throw std::bad_array_new_length{};
    void* memory = ::operator new[](count * sizeof(T), std::align_val_t{64});
    prefer_large_pages(memory, count * sizeof(T));
    return static_cast<T*>(memory);
  }
  template <class T>
  static void release(T* data) {
    ::operator delete[](data, std::align_val_t{64});
  }
  template <class T>
  static void write(const stream&, T* to, const T* host, std::size_t count) {
    std::copy_n(host, count, to);
  }
  template <class T>
  static void read(const stream&, T* host, const T* from, std::size_t count) {
    std::copy_n(from, count, host);
  }
  template <class T>
  static void clear(const stream&, T* data, std::size_t count) {
    std::fill_n(data, count, T{});
  }

 private:
  // Activations fill gigabytes: with pages of 4 KB a step of ResNet-18 was a quarter slower.
  static void prefer_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] std::size_t bytes) {
#if defined(__linux__)
    constexpr std::size_t page = std::size_t{1} << 21;
    void* whole = memory;
    if (bytes >= 8 * page && std::align(page, 4 * page, whole, bytes))
      madvise(whole, bytes / page * page, MADV_HUGEPAGE);
#endif
  }
};

}  // namespace pretext::inline v0_1
