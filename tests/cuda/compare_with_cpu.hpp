#pragma once
#include <pretext/cpu.hpp>

#include "device_pair.hpp"
#include "emulated.hpp"

namespace pretext::tests {

/// The played device has the CPU beside it.
template <class Numerics>
struct reference<emulated, Numerics> {
  template <class Run>
  static results of(const Run& run) {
    return run.template operator()<on<cpu, Numerics>>();
  }
};

}  // namespace pretext::tests
