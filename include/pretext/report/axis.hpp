// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include <pretext/report/page.hpp>

namespace pretext::inline v0_1::page {

/// An axis from `low` to `high` with ticks at the multiples of `step`: 1, 2 or 5 times a power of ten.
struct axis {
  double low = 0, high = 1, step = 0.2;

  std::vector<double> ticks() const {
    std::vector<double> values;
    for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k)
      values.push_back(k * step);
    return values;
  }

  /// A tick's label: as many decimals as the step needs, with thin spaces between thousands.
  std::string label(double value) const {
    if (step >= 1e9 || step < 1e-5) {
      char digits[32];
      return {digits,
              std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 3).ptr};
    }
    const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
    std::string text = fixed(value, decimals);
    const std::size_t sign = text[0] == '-' ? 1 : 0;
    const std::size_t whole = std::min(text.find('.'), text.size());
    if (whole - sign > 4)
      for (std::size_t at = whole; at > sign + 3;) text.insert(at -= 3, "\u2009");
    if (sign) text.replace(0, 1, "−");
    return text;
  }
};

/// The axis for values in [low, high], with about `count` ticks; `end_at_ticks` extends it to ticks at both
/// ends.
inline axis axis_over(double low, double high, int count, bool end_at_ticks) {
  if (!(low <= high)) low = 0, high = 1;
  if (high - low <= 1e-9 * std::max(std::abs(low), std::abs(high))) {
    const double margin = low == 0 ? 1 : std::abs(low) / 2;
    low -= margin;
    high += margin;
  }
  const double raw = (high - low) / count;
  const double power = std::pow(10, std::floor(std::log10(raw)));
  const double digit = raw / power;
  const double step = power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  if (end_at_ticks) {
    low = std::floor(low / step + 1e-9) * step;
    high = std::ceil(high / step - 1e-9) * step;
  }
  return {low, high, step};
}

}  // namespace pretext::inline v0_1::page
