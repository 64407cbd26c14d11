#pragma once
// CUDA's compiler never sees the CPU's kernels. So a test body is compiled twice: by the C++ compiler for
// `recorder`, which writes down what the CPU computes, and by CUDA's for the GPU, which takes it in that
// order.
#include <deque>
#include <utility>

#include "device_pair.hpp"

namespace pretext::tests {

/// What the CPU computed and nobody has asked for yet.
inline std::deque<results>& recorded() {
  static std::deque<results> all;
  return all;
}

/// Computes nothing of its own.
struct recorder {};

/// What the CPU computed, on record.
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
