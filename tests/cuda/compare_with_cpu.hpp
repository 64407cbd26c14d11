#pragma once
#include <pretext/cpu.hpp>

#include "device_pair.hpp"
#include "emulated.hpp"

namespace pretext::tests {

/// The emulated device runs the CPU's computation directly.
template <class Numerics>
struct reference<emulated, Numerics> {
  template <class Run>
  static results of(const Run& run) {
    return run.template operator()<on<cpu, Numerics>>();
  }
};

}  // namespace pretext::tests
