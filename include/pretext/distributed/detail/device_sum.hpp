// SPDX-License-Identifier: MIT
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pretext/core/tensor.hpp>
#include <pretext/devices/grid/kernel.hpp>

// What an ordered sum (ordered_sum.hpp) needs on an accelerator. The reduction tree, whose left child has the
// largest power of two of the shards, adds neighbours first, then pairs of neighbours, and so on.
namespace pretext::inline v0_1::distributed::detail {

/// left += right.
template <class T>
struct add_array {
  T* left;
  const T* right;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { left[i] += right[i]; }
};

/// Adds the rows of (rows, length) along the tree; the sums are the first row.
template <class T>
struct add_rows_along_tree {
  std::size_t rows, length;
  T* values;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    for (std::size_t step = 1; step < rows; step *= 2)
      for (std::size_t row = 0; row + step < rows; row += 2 * step)
        values[row * length + i] += values[(row + step) * length + i];
  }
};

template <class T>
struct copy_array {
  const T* from;
  T* to;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { to[i] = from[i]; }
};

/// Copies device memory.
template <class Context>
void copy_bytes(Context& on, void* to, const void* from, std::size_t bytes) {
  using word = std::uint32_t;
  if ((std::bit_cast<std::uintptr_t>(to) | std::bit_cast<std::uintptr_t>(from) | bytes) % sizeof(word) == 0)
    grid::parallel_for(on, bytes / sizeof(word),
                       copy_array<word>{static_cast<const word*>(from), static_cast<word*>(to)});
  else
    grid::parallel_for(
        on, bytes,
        copy_array<std::uint8_t>{static_cast<const std::uint8_t*>(from), static_cast<std::uint8_t*>(to)});
}

/// Device memory that grows. What it was before stays, because recorded steps contain its addresses.
template <class Device>
class growing_memory {
 public:
  template <class T>
  T* of(std::size_t count) {
    const std::size_t bytes = count * sizeof(T);
    if (blocks_.empty() || blocks_.back().size() < bytes) blocks_.emplace_back(bytes);
    return reinterpret_cast<T*>(blocks_.back().data());
  }

 private:
  std::vector<buffer<std::byte, Device>> blocks_;
};

}  // namespace pretext::inline v0_1::distributed::detail
