// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels::detail {

// Every prefetch of the CPU kernels is one of these functions. The address need not be valid.

/// Prefetches the cache line of `address` for reading.
[[gnu::always_inline]] inline void prefetch_line(const void* address) { __builtin_prefetch(address); }

/// The same into the L2 cache.
[[gnu::always_inline]] inline void prefetch_line_to_l2(const void* address) {
  __builtin_prefetch(address, 0, 2);
}

/// Prefetches the cache line of `address` for writing.
[[gnu::always_inline]] inline void prefetch_line_to_write(const void* address) {
  __builtin_prefetch(address, 1);
}

/// Prefetches `count` elements 4 KB ahead of those that are read now: hardware prefetchers stop at page
/// boundaries.
template <class T>
[[gnu::always_inline]] inline void prefetch(const T* x, std::size_t count) {
  constexpr std::size_t line = 64 / sizeof(T), ahead = 4096 / sizeof(T);
  for (std::size_t i = 0; i < count; i += line) prefetch_line(x + i + ahead);
}

}  // namespace pretext::inline v0_1::kernels::detail
