// SPDX-License-Identifier: MIT
#pragma once
#include <compare>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// A version of the library by the rules of semantic versioning; versions are ordered.
struct version_number {
  int major, minor, patch;
  friend constexpr auto operator<=>(const version_number&, const version_number&) = default;
};

/// The version of these headers: `static_assert(pretext::version >= pretext::version_number{0, 1, 0});`.
inline constexpr version_number version{0, 1, 0};

}  // namespace pretext::inline v0_1
