#pragma once
// nvcc never compiles the CPU's kernels. So each test body is compiled twice: by the C++ compiler for the
// device `recorder`, which records the CPU's results, and by nvcc for the GPU, which replays them in the
// same order.
#include <deque>
#include <utility>

#include "device_pair.hpp"

namespace pretext::tests {

/// The CPU's results that have not been replayed yet.
inline std::deque<results>& recorded() {
  static std::deque<results> all;
  return all;
}

/// A device that computes nothing; see reference<recorder, Numerics>.
struct recorder {};

/// Replays the recorded results of the CPU.
struct replay {
  template <class Run>
  static results of(const Run&) {
    REQUIRE(!recorded().empty());
    results next = std::move(recorded().front());
    recorded().pop_front();
    return next;
  }
};

}  // namespace pretext::tests
