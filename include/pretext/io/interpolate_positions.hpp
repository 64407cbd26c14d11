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

namespace pretext {

namespace detail {

/// A grid (rows, columns, width) resized along one axis: `count` places that stand `step` numbers apart
/// become `wanted`, for each of `before` slices.
inline std::vector<double> resize_axis(std::span<const double> grid, std::size_t before, std::size_t count,
                                       std::size_t step, std::size_t wanted) {
  const axis_resampling along{
      interpolation::bicubic,
      {.extent = static_cast<std::int64_t>(count), .scaled = static_cast<std::int64_t>(wanted)}};
  std::vector<double> resized(before * wanted * step);
  for (std::size_t to = 0; to < wanted; ++to) {
    const auto taps = along(static_cast<std::int64_t>(to));
    double sum = 0;
    for (int k = 0; k < taps.count; ++k) sum += static_cast<double>(along(taps, k).weight);
    for (int k = 0; k < taps.count; ++k) {
      const auto tap = along(taps, k);
      const auto from = static_cast<std::size_t>(tap.at);
      for (std::size_t slice = 0; slice < before; ++slice)
        for (std::size_t i = 0; i < step; ++i)
          resized[(slice * wanted + to) * step + i] +=
              static_cast<double>(tap.weight) / sum * grid[(slice * count + from) * step + i];
    }
  }
  return resized;
}

}  // namespace detail

/// Positions of a grid of tokens at another size, (1 + rows·columns, width): the class token's row stays, the
/// grid is resized as torch's bicubic `interpolate` with align_corners=False does, which is how MAE's
/// fine-tuning loads weights for images of another size (timm's loader smooths before it shrinks a grid).
inline std::vector<double> interpolate_positions(std::span<const double> table, image_extent from,
                                                 image_extent to, std::size_t width) {
  expects(table.size() == (1 + from.height * from.width) * width, "positions of a class token and a grid of ",
          from.height, " x ", from.width, " at width ", width, " are not ", table.size(), " numbers");
  expects(to.height > 0 && to.width > 0, "positions cannot be resized to an empty grid");
  const auto rows = detail::resize_axis(table.subspan(width), 1, from.height, from.width * width, to.height);
  const auto both = detail::resize_axis(rows, to.height, from.width, width, to.width);
  std::vector<double> resized(table.begin(), table.begin() + std::ptrdiff_t(width));
  resized.insert(resized.end(), both.begin(), both.end());
  return resized;
}

/// Makes the positions `name` of a file fit a grid: those of another one are interpolated, others are left as
/// they are. `from` is the grid they were made for, a square unless it is given. Throws std::runtime_error
/// with the file and the shape if it cannot be.
inline void fit_positions(safetensors& file, const std::string& name, image_extent to,
                          image_extent from = {}) {
  const safetensor& given = file.at(name);
  const auto refuse = [&](const auto&... why) {
    throw_error<std::runtime_error>(file.origin, ": \"", name, "\" has shape ", given.shape_text(), why...);
  };
  if (given.shape.size() != 3 || given.shape[0] != 1 || given.shape[1] < 2)
    refuse(" where positions of a class token and a grid, [1, 1 + places, width], are needed");
  const std::size_t patches = given.shape[1] - 1, width = given.shape[2];
  if (from == image_extent{}) {
    if (patches == to.height * to.width) return;
    const auto side = static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(patches))));
    from = {side, side};
  }
  if (from.height * from.width != patches)
    refuse(", which are not those of a ", from.height, " x ", from.width, " grid");
  if (from == to) return;
  const auto resized = interpolate_positions(given.as<double>(), from, to, width);
  auto made = safetensor::of<double>({1, 1 + to.height * to.width, width}, resized);
  file.tensors.insert_or_assign(name, std::move(made));
}

}  // namespace pretext
