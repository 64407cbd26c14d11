// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::inline v0_1::kernels {

/// One thread per index; large counts loop.
template <Accelerator Device>
struct parallel_for<Device> {
  template <class Context, class Work>
  static void run(Context& context, std::size_t n, const Work& work) {
    grid::parallel_for(context, n, work);
  }
};

}  // namespace pretext::inline v0_1::kernels
