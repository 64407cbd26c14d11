// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/image/filter.hpp>

// A symmetric filter along the rows or the columns of a plane, by a whole block. Lines are copied into shared
// memory with their padding, and a thread filters four of their pixels at a time.
namespace pretext::inline v0_1::grid {

inline constexpr unsigned filtered_at_once = 4;

/// sum[i] = weight[0] lines[at[i]] + Σ_k weight[k] (lines[at[i] + k·step] + lines[at[i] − k·step]).
template <class Memory>
PRETEXT_HOST_DEVICE void filter_pixels(const Memory& memory, const unsigned (&at)[filtered_at_once],
                                       unsigned step, unsigned radius, float (&sum)[filtered_at_once]) {
  for (unsigned i = 0; i < filtered_at_once; ++i) sum[i] = memory.weight[0] * memory.lines[at[i]];
  unsigned away = step;
  for (unsigned k = 1; k <= radius; ++k, away += step) {
    const float w = memory.weight[k];
    for (unsigned i = 0; i < filtered_at_once; ++i)
      sum[i] += w * (memory.lines[at[i] + away] + memory.lines[at[i] - away]);
  }
}

/// Pixel `at` of a line of `count` pixels, which may be beyond its ends.
PRETEXT_HOST_DEVICE inline float padded_at(const float* line, int at, int count, std::size_t step,
                                           padding border) {
  const bool inside = at >= 0 && at < count;
  if (!inside && border == padding::zeros) return 0.f;
  const int mirrored = at < 0 ? -at : at < count ? at : 2 * count - 2 - at;
  return line[static_cast<std::size_t>(mirrored) * step];
}

/// Filters every row of a plane by the weights in the block's memory.
template <class Block, class Memory>
PRETEXT_HOST_DEVICE void filter_rows(Block& block, Memory& memory, const float* from, float* to,
                                     unsigned radius, padding border) {
  constexpr unsigned height = Memory::height, width = Memory::width;
  constexpr unsigned groups = Memory::groups, span = Memory::span;
  const unsigned padded = width + 2 * radius;
  const auto fitting = static_cast<unsigned>(Memory::line_elements / (padded * groups));
  const unsigned at_once = groups * (fitting < filtered_at_once ? fitting : filtered_at_once);
  for (unsigned first = 0; first < height; first += at_once) {
    const unsigned rows = height - first < at_once ? height - first : at_once;
    block.for_each_thread([&](unsigned thread) {
      if (thread >= span * groups) return;
      for (unsigned row = thread / span; row < rows; row += groups)
        for (unsigned x = thread % span; x < padded; x += span)
          memory.lines[row * padded + x] =
              padded_at(from + (first + row) * width, static_cast<int>(x) - static_cast<int>(radius),
                        static_cast<int>(width), 1, border);
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread >= span * groups) return;
      const unsigned group = thread / span;
      for (unsigned x = thread % span; x < width; x += span) {
        unsigned at[filtered_at_once];
        for (unsigned i = 0; i < filtered_at_once; ++i) {
          const unsigned row = group + i * groups;
          at[i] = (row < rows ? row : 0) * padded + radius + x;
        }
        float sum[filtered_at_once];
        filter_pixels(memory, at, 1, radius, sum);
        for (unsigned i = 0; i < filtered_at_once; ++i)
          if (group + i * groups < rows) to[(first + group + i * groups) * width + x] = sum[i];
      }
    });
  }
}

/// Filters every column of a plane by the weights in the block's memory.
template <class Block, class Memory>
PRETEXT_HOST_DEVICE void filter_columns(Block& block, Memory& memory, const float* from, float* to,
                                        unsigned radius, padding border) {
  constexpr unsigned height = Memory::height, width = Memory::width;
  constexpr unsigned columns = Memory::tile_columns, stride = Memory::tile_stride;
  constexpr unsigned groups = Memory::threads / columns;
  for (unsigned left = 0; left < width; left += columns) {
    block.for_each_thread([&](unsigned thread) {
      const unsigned x = thread % columns;
      if (left + x >= width) return;
      for (unsigned y = thread / columns; y < height + 2 * radius; y += groups)
        memory.lines[y * stride + x] =
            padded_at(from + left + x, static_cast<int>(y) - static_cast<int>(radius),
                      static_cast<int>(height), width, border);
    });
    block.for_each_thread([&](unsigned thread) {
      const unsigned x = thread % columns;
      if (left + x >= width) return;
      for (unsigned y = thread / columns * filtered_at_once; y < height; y += groups * filtered_at_once) {
        unsigned at[filtered_at_once];
        for (unsigned i = 0; i < filtered_at_once; ++i)
          at[i] = ((y + i < height ? y + i : y) + radius) * stride + x;
        float sum[filtered_at_once];
        filter_pixels(memory, at, stride, radius, sum);
        for (unsigned i = 0; i < filtered_at_once; ++i)
          if (y + i < height) to[(y + i) * width + left + x] = sum[i];
      }
    });
  }
}

}  // namespace pretext::inline v0_1::grid
