// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/host_device.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

/// How a table of positions is resized to a grid with other numbers of patches per side.
enum class position_resampling {
  dino,        ///< bicubic, a = −.75, from g to m patches with the scale (m + 0.1)/g: DINO, iBOT, DINOv2
  bicubic,     ///< the same with the scale m/g, torch's `interpolate`: MAE's fine-tuning
  antialiased  ///< bicubic, a = −.5, the kernel widened where the grid shrinks: timm
};

/// The weight of old position `from` of `old_count` in new position `to` of `new_count`, along one side of a
/// grid. Taps beyond the grid count for its border, except for antialiased ones, which are left out.
PRETEXT_HOST_DEVICE inline double resampling_weight(position_resampling how, std::size_t old_count,
                                                    std::size_t new_count, std::size_t to, std::size_t from) {
  const double g = static_cast<double>(old_count), m = static_cast<double>(new_count),
               i = static_cast<double>(to), at = static_cast<double>(from);
  if (how == position_resampling::antialiased) {
    const double stretch = g > m ? g / m : 1, centre = (i + .5) * g / m;
    const auto weight = [&](double tap) { return cubic_weight((tap + .5 - centre) / stretch, -.5); };
    const double low = std::floor(centre - 2 * stretch + .5), high = std::floor(centre + 2 * stretch + .5);
    const double first = low < 0 ? 0 : low, end = high < g ? high : g;
    if (at < first || at >= end) return 0;
    double sum = 0;
    for (double tap = first; tap < end; tap += 1) sum += weight(tap);
    return weight(at) / sum;
  }
  const double position = (i + .5) * g / (how == position_resampling::dino ? m + .1 : m) - .5;
  const double before = std::floor(position) - 1;
  double sum = 0;
  for (double tap = before; tap < before + 4; tap += 1) {
    const double clamped = tap < 0 ? 0 : tap < g ? tap : g - 1;
    if (clamped == at) sum += cubic_weight(position - tap, -.75);
  }
  return sum;
}

namespace detail {

/// Work of `for_each_row`: a table of positions, `leading` rows that are copied and a grid (Rows, Columns),
/// is resized to a grid (NewRows, NewColumns); or, with `Backward`, the gradient of the new table is added to
/// that of the old one. A row is one of the result's.
template <std::size_t Rows, std::size_t Columns, std::size_t NewRows, std::size_t NewColumns, bool Backward,
          class W>
struct resample_positions {
  static constexpr std::size_t read_rows = Backward ? NewRows : Rows,
                               read_columns = Backward ? NewColumns : Columns,
                               written_columns = Backward ? Columns : NewColumns;
  position_resampling how;
  std::size_t leading, width;
  const W* from;
  W* to;

  /// Rows of the result.
  static constexpr std::size_t count(std::size_t copied) {
    return copied + (Backward ? Rows * Columns : NewRows * NewColumns);
  }

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    W* const result = to + row * width;
    if (row < leading) {
      team.each(width, [&](std::size_t c) {
        result[c] = Backward ? result[c] + from[row * width + c] : from[row * width + c];
      });
      return;
    }
    const std::size_t r = (row - leading) / written_columns, c = (row - leading) % written_columns;
    double by_row[read_rows], by_column[read_columns];
    for (std::size_t k = 0; k < read_rows; ++k)
      by_row[k] = Backward ? resampling_weight(how, Rows, NewRows, k, r)
                           : resampling_weight(how, Rows, NewRows, r, k);
    for (std::size_t k = 0; k < read_columns; ++k)
      by_column[k] = Backward ? resampling_weight(how, Columns, NewColumns, k, c)
                              : resampling_weight(how, Columns, NewColumns, c, k);
    team.each(width, [&](std::size_t channel) {
      double sum = 0;
      for (std::size_t i = 0; i < read_rows; ++i)
        for (std::size_t j = 0; by_row[i] != 0 && j < read_columns; ++j)
          if (by_column[j] != 0)
            sum += by_row[i] * by_column[j] *
                   static_cast<double>(from[(leading + i * read_columns + j) * width + channel]);
      result[channel] = static_cast<W>(Backward ? static_cast<double>(result[channel]) + sum : sum);
    });
  }
};

}  // namespace detail

}  // namespace pretext::inline v0_1
