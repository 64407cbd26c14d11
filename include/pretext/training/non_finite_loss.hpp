// SPDX-License-Identifier: MIT
#pragma once
#include <stdexcept>

#include <pretext/core/expects.hpp>
#include <pretext/core/is_finite.hpp>

namespace pretext::inline v0_1 {

/// A loss is NaN or infinite; the weights are those before its step.
struct non_finite_loss : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws non_finite_loss, with advice, unless the loss is finite.
inline void expects_finite_loss(double loss) {
  if (!detail::is_finite(loss)) [[unlikely]]
    throw_error<non_finite_loss>("the loss became ", loss,
                                 " (not a number); try a smaller learning rate, a longer warm-up or a larger "
                                 "temperature, and look for broken images");
}

}  // namespace pretext::inline v0_1
