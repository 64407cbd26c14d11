// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/concepts.hpp>

namespace pretext::inline v0_1 {

/// Lets the layers of a network change their weights at the start of a training step, on the context's
/// stream: `prototypes` set their rows to unit length. A method calls it once per step on the flat buffer of
/// values, before copies of them are rounded (`network_weights`) and before the first forward pass. A layer
/// takes part with a static member `begin_step<In>(context, value)`; networks forward the call.
template <class L, Shape In, class Context>
void begin_step(Context& context, typename Context::weight* value) {
  if constexpr (requires { L::template begin_step<In>(context, value); })
    L::template begin_step<In>(context, value);
}

}  // namespace pretext::inline v0_1
