// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>

// A method with hyper-parameters that freeze parameters declares `lr_multiplier(parameter)`. The trainer
// makes its parameter table with it once, and the optimizer's state depends on that table.
namespace pretext::inline v0_1::detail {

/// The method's parameter table with the learning rate multipliers of its hyper-parameters.
template <class Method>
std::vector<parameter> trained_table(const Method& method) {
  std::vector<parameter> table(Method::parameters.begin(), Method::parameters.end());
  if constexpr (requires(const parameter& p) { method.lr_multiplier(p); })
    for (parameter& p : table) p.lr_multiplier = method.lr_multiplier(p);
  return table;
}

/// Throws std::invalid_argument if the method has frozen or unfrozen parameters since the table was made.
template <class Method>
void expects_same_multipliers(const Method& method, std::span<const parameter> table) {
  if constexpr (requires(const parameter& p) { method.lr_multiplier(p); })
    for (std::size_t row = 0; row < table.size(); ++row)
      expects(table[row].lr_multiplier == method.lr_multiplier(Method::parameters[row]),
              "the method has frozen or unfrozen ", table[row].name(),
              " since this trainer was constructed; construct another trainer for that");
}

/// Checks the hyper-parameters of a type that declares their ranges.
template <class T>
void check_ranges(const T& value) {
  if constexpr (requires { value.check(); }) value.check();
}

}  // namespace pretext::inline v0_1::detail
