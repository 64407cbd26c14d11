// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <type_traits>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1::detail {

/// The type in which values stored as T are computed.
template <class T>
using arithmetic_type = std::conditional_t<std::same_as<T, double>, double, float>;

}  // namespace pretext::inline v0_1::detail
