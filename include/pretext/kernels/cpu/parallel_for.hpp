// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::inline v0_1::kernels {

/// Runs of 1024 calls per thread.
template <>
struct parallel_for<cpu> {
  template <class Context, class Work>
  static void run(Context& context, std::size_t n, const Work& work) {
    context.stream.for_each_run(n, 1024, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) work(i);
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
