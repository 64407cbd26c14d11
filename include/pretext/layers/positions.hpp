// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <string_view>

#include <pretext/core/parameter.hpp>

namespace pretext::inline v0_1 {

/// The position embedding of a transformer: the sin-cos table, constant (MAE's pretraining), or with its
/// halves exchanged (MoCo v3); the former as the initial value of a learned one (MAE's fine-tuning); or a
/// table learned from noise (Dosovitskiy et al. 2021).
enum class positions { fixed, fixed_rows_first, tuned, learned };

/// Is the table never changed?
constexpr bool is_constant(positions kind) {
  return kind == positions::fixed || kind == positions::fixed_rows_first;
}

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

/// Element `index` of MAE's table (Leading + L, Width) for a grid of L patches, row by row: zeros for the
/// Leading tokens before them, then for patch (r, c) the embedding of column c followed by that of row r (He
/// et al. 2022, A.1; the order of the official code), or row first.
template <std::size_t Columns, std::size_t Width, std::size_t Leading = 1, bool RowsFirst = false>
double sin_cos_position(std::size_t index) {
  static_assert(Width % 4 == 0, "pretext: sin-cos positions of two axes need a width that 4 divides.");
  const std::size_t token = index / Width, i = index % Width, half = Width / 2;
  if (token < Leading) return 0;
  const std::size_t column = (token - Leading) % Columns, row = (token - Leading) / Columns;
  return detail::sin_cos((i < half) == RowsFirst ? row : column, i % half, half);
}

/// The parameter of the positions of Leading tokens, such as a class token, and of a grid of patches: (1,
/// Leading + Rows·Columns, Width).
template <std::size_t Rows, std::size_t Columns, std::size_t Width, positions Kind, std::size_t Leading = 1>
constexpr parameter position_table(std::string_view path, parameter_decay decays = parameter_decay::no) {
  parameter table{path, {1, Leading + Rows * Columns, Width}, initialiser::truncated_normal(0.02), decays};
  if constexpr (Kind != positions::learned)
    table.init =
        initialiser::table(sin_cos_position<Columns, Width, Leading, Kind == positions::fixed_rows_first>);
  if (is_constant(Kind)) table.role = parameter_role::constant;
  return table;
}

}  // namespace pretext::inline v0_1
