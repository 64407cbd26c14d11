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
#include <pretext/kernels/image/resampling.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A grid (slices, count, step) resized to (slices, new_count, step) by bicubic interpolation along the
/// middle axis.
inline std::vector<double> resize_axis(std::span<const double> grid, std::size_t slices, std::size_t count,
                                       std::size_t step, std::size_t new_count) {
  const axis_resampling axis{
      interpolation::bicubic,
      {.extent = static_cast<std::int64_t>(count), .scaled = static_cast<std::int64_t>(new_count)}};
  std::vector<double> resized(slices * new_count * step);
  for (std::size_t to = 0; to < new_count; ++to) {
    const auto taps = axis(static_cast<std::int64_t>(to));
    double sum = 0;
    for (int k = 0; k < taps.count; ++k) sum += static_cast<double>(axis(taps, k).weight);
    for (int k = 0; k < taps.count; ++k) {
      const auto tap = axis(taps, k);
      const auto from = static_cast<std::size_t>(tap.at);
      for (std::size_t slice = 0; slice < slices; ++slice)
        for (std::size_t i = 0; i < step; ++i)
          resized[(slice * new_count + to) * step + i] +=
              static_cast<double>(tap.weight) / sum * grid[(slice * count + from) * step + i];
    }
  }
  return resized;
}

}  // namespace detail

/// A table of positions (1 + rows·columns, width) for a grid of another size: the row of the class token is
/// unchanged, the grid is resized as by PyTorch's bicubic `interpolate` with align_corners=False. That is how
/// MAE's fine-tuning loads weights for images of another size; timm's loader smooths before it shrinks a
/// grid.
inline std::vector<double> interpolate_positions(std::span<const double> table, image_extent from,
                                                 image_extent to, std::size_t width) {
  expects(table.size() == (1 + from.height * from.width) * width, "positions of a class token and a grid of ",
          from.height, " x ", from.width, " at width ", width, " are not ", table.size(), " values");
  expects(to.height > 0 && to.width > 0, "positions cannot be resized to an empty grid");
  const auto rows = detail::resize_axis(table.subspan(width), 1, from.height, from.width * width, to.height);
  const auto both = detail::resize_axis(rows, to.height, from.width, width, to.width);
  std::vector<double> resized(table.begin(), table.begin() + std::ptrdiff_t(width));
  resized.insert(resized.end(), both.begin(), both.end());
  return resized;
}

/// Interpolates the tensor of positions `name` of a file to the grid `to`, if it belongs to another grid.
/// `from` is the grid of the file, by default a square. Throws std::runtime_error with the file and the shape
/// if the tensor is no table of positions.
inline void fit_positions(safetensors& file, const std::string& name, image_extent to,
                          image_extent from = {}) {
  const safetensor& given = file.at(name);
  const auto reject = [&](const auto&... reason) {
    throw_error<std::runtime_error>(file.origin, ": ", detail::quote(name), " has shape ", given.shape_text(),
                                    reason...);
  };
  if (given.shape.size() != 3 || given.shape[0] != 1 || given.shape[1] < 2)
    reject(" where positions of a class token and a grid, [1, 1 + positions, width], are needed");
  const std::size_t patches = given.shape[1] - 1, width = given.shape[2];
  if (from == image_extent{}) {
    if (patches == to.height * to.width) return;
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
    from = {side, side};
  }
  if (from.height * from.width != patches)
    reject(", which are not those of a ", from.height, " x ", from.width, " grid");
  if (from == to) return;
  const auto resized = interpolate_positions(file.as<double>(name), from, to, width);
  auto tensor = safetensor::of<double>({1, 1 + to.height * to.width, width}, resized);
  file.tensors.insert_or_assign(name, std::move(tensor));
}

}  // namespace pretext::inline v0_1
