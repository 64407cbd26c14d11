// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::kernels::detail {

/// Prefetches `count` elements 4 KB ahead of those that are read now: hardware prefetchers stop at page
/// boundaries.
template <class T>
[[gnu::always_inline]] inline void prefetch(const T* x, std::size_t count) {
  constexpr std::size_t line = 64 / sizeof(T), ahead = 4096 / sizeof(T);
  for (std::size_t i = 0; i < count; i += line) __builtin_prefetch(x + i + ahead);
}

}  // namespace pretext::inline v0_1::kernels::detail
