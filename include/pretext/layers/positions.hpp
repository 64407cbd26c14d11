// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <string_view>

#include <pretext/core/parameter.hpp>

namespace pretext::inline v0_1 {

/// The position embedding of a transformer: the sin-cos table, constant (MAE's pretraining); the same table
/// as the initial value of a learned one (its fine-tuning); or a table learned from noise (Dosovitskiy et al.
/// 2021).
enum class positions { fixed, tuned, learned };

namespace detail {

/// Element i of one axis of an embedding, d elements: sin(p·ω_i), then cos(p·ω_i), ω_i = 10000^(-i/(d/2))
/// (Vaswani et al. 2017, §3.5, in MAE's order).
inline double sin_cos(std::size_t position, std::size_t i, std::size_t d) {
  const std::size_t frequency = i % (d / 2);
  const double omega = 1 / std::pow(10000.0, static_cast<double>(frequency) / (static_cast<double>(d) / 2));
  const double angle = static_cast<double>(position) * omega;
  return i < d / 2 ? std::sin(angle) : std::cos(angle);
}

}  // namespace detail

/// Element `index` of MAE's table (1 + L, Width) for a grid of L patches, row by row: zeros for the class
/// token, then for patch (r, c) the embedding of column c followed by that of row r (He et al. 2022, A.1; the
/// order of the official code).
template <std::size_t Columns, std::size_t Width>
double sin_cos_position(std::size_t index) {
  static_assert(Width % 4 == 0, "pretext: sin-cos positions of two axes need a width that 4 divides.");
  const std::size_t token = index / Width, i = index % Width, half = Width / 2;
  if (token == 0) return 0;
  const std::size_t column = (token - 1) % Columns, row = (token - 1) / Columns;
  return i < half ? detail::sin_cos(column, i, half) : detail::sin_cos(row, i - half, half);
}

/// The parameter of the positions of a class token and of a grid of patches: (1, 1 + Rows·Columns, Width).
template <std::size_t Rows, std::size_t Columns, std::size_t Width, positions Kind>
constexpr parameter position_table(std::string_view path, parameter_decay decays = parameter_decay::no) {
  parameter table{path, {1, 1 + Rows * Columns, Width}, initialiser::truncated_normal(0.02), decays};
  if constexpr (Kind != positions::learned) table.init = initialiser::table(sin_cos_position<Columns, Width>);
  if constexpr (Kind == positions::fixed) table.role = parameter_role::constant;
  return table;
}

}  // namespace pretext::inline v0_1
