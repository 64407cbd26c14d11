// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/optimize.hpp>

namespace pretext::inline v0_1 {

/// The state of an optimizer with momentum: one flat buffer, initially zero.
template <class Context>
struct momentum_state {
  kernels::parameter_chunks<typename Context::device> parameter_chunks;
  buffer<typename Context::weight, typename Context::device> momentum_buffer;

  explicit momentum_state(std::span<const parameter> table)
      : parameter_chunks{table}, momentum_buffer{parameter_chunks.size} {}

  /// `visit(name, data, count)` for every buffer of a checkpoint.
  template <class Visitor>
  void for_each_buffer(Visitor&& visit) {
    visit(std::string_view{"velocity"}, momentum_buffer.data(), momentum_buffer.size());
  }
};

namespace detail {
/// Throw std::invalid_argument for a hyper-parameter outside [0, 1), or one that is negative or not finite.
inline void expects_fraction(const char* optimizer, const char* name, double value) {
  expects(0 <= value && value < 1, optimizer, ": ", name, " ", value, " must be in [0, 1)");
}
inline void expects_not_negative(const char* optimizer, const char* name, double value) {
  expects(value >= 0 && is_finite(value), optimizer, ": ", name, " ", value,
          " must be a finite number that is not negative");
}
/// Throws std::invalid_argument unless the optimizer's state was made for this table.
inline void expects_table_of(std::size_t rows, std::span<const parameter> table) {
  expects(rows == table.size(), "the optimizer's state was made for a table of ", rows, " parameters, not ",
          table.size(), "; construct it from the table of the method that it trains");
}
}  // namespace detail

}  // namespace pretext::inline v0_1
