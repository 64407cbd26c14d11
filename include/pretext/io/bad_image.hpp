// SPDX-License-Identifier: MIT
#pragma once
#include <stdexcept>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// An image that cannot be read; the message names the file and the fault.
struct bad_image : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace pretext::inline v0_1
