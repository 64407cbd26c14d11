// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/gpu/augment/pixel_taps.hpp>
#include <pretext/kernels/image/filter.hpp>
#include <pretext/kernels/image/levels.hpp>

namespace pretext::inline v0_1::grid {

/// The larger of two values.
constexpr std::size_t larger(std::size_t a, std::size_t b) { return a > b ? a : b; }

/// The shared memory of a view of H x W pixels, without its planes, and how a block's threads divide its
/// work: `span` threads have a column each, and `groups` of them work on rows of their own.
template <std::size_t Channels, std::size_t H, std::size_t W, unsigned Threads>
struct view_memory {
  static constexpr std::size_t channels = Channels, height = H, width = W;
  static constexpr unsigned threads = Threads;
  static constexpr unsigned span = W < Threads ? static_cast<unsigned>(W) : Threads, groups = Threads / span;
  /// Rows that a thread works on at a time: values per column are computed once for them.
  static constexpr unsigned rows_at_once = Channels <= 4 ? 4 : 1;
  static constexpr unsigned source_rows = rows_at_once * groups;
  /// Columns that are filtered at a time. Four rows of a tile are 16 banks apart.
  static constexpr unsigned tile_columns = 16, tile_stride = 20;
  static constexpr std::size_t most_padding = 2 * filter_taps::largest_radius;
  static constexpr std::size_t line_elements =
      larger(larger(source_rows * Channels * W, Channels* Threads),
             larger(groups*(W + most_padding), tile_stride*(H + most_padding)));

  /// Weights that are kept: as many as cubic resampling to half the size has, if shared memory suffices.
  using taps = pixel_taps<(H + W <= 768 ? 8 : 1)>;

  taps rows[H], columns[W];
  double term[filter_taps::largest_radius + 1];  ///< of a Gaussian
  float weight[filter_taps::largest_radius + 1];
  level_counts counts;
  float lines[line_elements];  ///< resampled or padded lines, or one sum per thread and channel
};

}  // namespace pretext::inline v0_1::grid
