// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/cpp20.hpp>

namespace pretext::inline v0_1 {

/// How an `inference_context` or a `classifier_context` runs on the CPU.
struct inference_options {
  std::size_t threads = 1;     ///< that share the work of one call
  std::size_t max_batch = 64;  ///< images that run through the network together; memory grows with it
};

}  // namespace pretext::inline v0_1
