// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/io/safetensors.hpp>
#include <pretext/layers/position_resampling.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A grid (slices, count, step) resized to (slices, new_count, step) along the middle axis.
inline std::vector<double> resize_axis(std::span<const double> grid, std::size_t slices, std::size_t count,
                                       std::size_t step, std::size_t new_count, position_resampling how) {
  std::vector<double> resized(slices * new_count * step);
  if (count == new_count) return {grid.begin(), grid.end()};
  for (std::size_t to = 0; to < new_count; ++to)
    for (std::size_t from = 0; from < count; ++from) {
      const double weight = resampling_weight(how, count, new_count, to, from);
      for (std::size_t slice = 0; weight != 0 && slice < slices; ++slice)
        for (std::size_t i = 0; i < step; ++i)
          resized[(slice * new_count + to) * step + i] += weight * grid[(slice * count + from) * step + i];
    }
  return resized;
}

}  // namespace detail

/// A table of positions (leading + rows·columns, width) for a grid of another size: the leading row, the
/// class token's, is unchanged, the grid is resized, by default as by PyTorch's bicubic `interpolate` with
/// align_corners=False.
/// That is how MAE's fine-tuning loads weights for images of another size; timm's loader smooths before it
/// shrinks a grid (`position_resampling::antialiased`).
inline std::vector<double> interpolate_positions(std::span<const double> table, image_extent from,
                                                 image_extent to, std::size_t width,
                                                 position_resampling how = position_resampling::bicubic,
                                                 std::size_t leading = 1) {
  expects(table.size() == (leading + from.height * from.width) * width, "positions of ",
          leading == 1 ? "a class token and " : "", "a grid of ", from.height, " x ", from.width,
          " at width ", width, " are not ", table.size(), " values");
  expects(to.height > 0 && to.width > 0, "positions cannot be resized to an empty grid");
  const auto rows =
      detail::resize_axis(table.subspan(leading * width), 1, from.height, from.width * width, to.height, how);
  const auto both = detail::resize_axis(rows, to.height, from.width, width, to.width, how);
  std::vector<double> resized(table.begin(), table.begin() + std::ptrdiff_t(leading * width));
  resized.insert(resized.end(), both.begin(), both.end());
  return resized;
}

/// Interpolates the tensor of positions `name` of a file to the grid `to`, if it belongs to another grid.
/// `from` is the grid of the file, by default a square; `leading` rows come before it. Throws
/// std::runtime_error with the file and the shape if the tensor is no table of positions.
inline void fit_positions(safetensors& file, const std::string& name, image_extent to, image_extent from = {},
                          position_resampling how = position_resampling::bicubic, std::size_t leading = 1) {
  const safetensor& given = file.at(name);
  const auto reject = [&](const auto&... reason) {
    throw_error<std::runtime_error>(file.origin, ": ", detail::quote(name), " has shape ", given.shape_text(),
                                    reason...);
  };
  if (given.shape.size() != 3 || given.shape[0] != 1 || given.shape[1] <= leading)
    reject(leading == 1
               ? " where positions of a class token and a grid, [1, 1 + positions, width], are needed"
               : " where positions of a grid, [1, positions, width], are needed");
  const std::size_t patches = given.shape[1] - leading, width = given.shape[2];
  if (from == image_extent{}) {
    if (patches == to.height * to.width) return;
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
    from = {side, side};
  }
  if (from.height * from.width != patches)
    reject(", which are not those of a ", from.height, " x ", from.width, " grid");
  if (from == to) return;
  const auto resized = interpolate_positions(file.as<double>(name), from, to, width, how, leading);
  auto tensor = safetensor::of<double>({1, leading + to.height * to.width, width}, resized);
  file.tensors.insert_or_assign(name, std::move(tensor));
}

}  // namespace pretext::inline v0_1
