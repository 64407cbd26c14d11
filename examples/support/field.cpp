#include "field.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <type_traits>

#include <pretext/core/expects.hpp>

namespace programs {
namespace {

using pretext::str_cat;

/// 65536 and not 65536.0 or 1e+06.
std::string digits_of(double bound) {
  return std::trunc(bound) == bound && std::abs(bound) < 1e15 ? std::to_string(static_cast<long long>(bound))
                                                              : str_cat(bound);
}

std::string bounds_of(const range& accepted) {
  const bool has_min = std::isfinite(accepted.min), has_max = std::isfinite(accepted.max);
  const std::string least = (accepted.above_min ? "above " : "at least ") + digits_of(accepted.min),
                    most = (accepted.below_max ? "below " : "at most ") + digits_of(accepted.max);
  if (!has_max) return !accepted.above_min && accepted.min == 0 ? "must not be negative" : "must be " + least;
  if (!has_min) return "must be " + most;
  if (accepted.above_min || accepted.below_max) return "must be " + least + " and " + most;
  return "must be from " + digits_of(accepted.min) + " to " + digits_of(accepted.max);
}

bool contains(const range& accepted, double value) {
  return (accepted.above_min ? value > accepted.min : value >= accepted.min) &&
         (accepted.below_max ? value < accepted.max : value <= accepted.max);
}

/// What is wrong with a number, for example "must be from 2 to 65536".
template <class Number>
std::string number_fault(const range& accepted, std::string_view text) {
  Number value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range && stop == end)
    return std::is_integral_v<Number> ? "must be a smaller number" : "must be a representable number";
  if (error != std::errc{} || stop != end) {
    double other = 0;
    const auto [other_stop, other_error] = std::from_chars(text.data(), end, other);
    const bool is_number = other_error == std::errc{} && other_stop == end;
    if (is_number && other < 0 && !contains(accepted, other)) return bounds_of(accepted);
    return std::is_integral_v<Number> ? "must be a whole number" : "must be a number";
  }
  if (!std::isfinite(static_cast<double>(value))) return "must be a finite number";
  return contains(accepted, static_cast<double>(value)) ? "" : bounds_of(accepted);
}

}  // namespace

std::string fault_of(const field& member, std::string_view text) {
  if (const auto* choice = std::get_if<one_of>(&member.accepts)) {
    if (std::ranges::find(choice->values, text) != choice->values.end()) return {};
    std::string all;
    for (const std::string& value : choice->values) all += (all.empty() ? "" : ", ") + value;
    return str_cat("must be one of ", all, ", not ", text.empty() ? "empty" : text.substr(0, 60));
  }
  const auto* given = std::get_if<range>(&member.accepts);
  const bool whole = std::holds_alternative<std::size_t*>(member.value);
  range accepted = given ? *given : range{};
  if (whole) accepted.min = std::max(accepted.min, 0.);
  std::string fault;
  if (whole) fault = number_fault<std::size_t>(accepted, text);
  if (std::holds_alternative<double*>(member.value)) fault = number_fault<double>(accepted, text);
  return fault.empty() ? fault : str_cat("Value ", text.substr(0, 60), " not in range: it ", fault);
}

}  // namespace programs
