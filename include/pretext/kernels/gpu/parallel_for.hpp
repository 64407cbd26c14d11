#pragma once
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::kernels {

template <Accelerator Device>
struct each_number<Device> {
  template <class Place, class Work>
  static void run(Place& place, std::size_t n, const Work& work) {
    grid::each_number(place, n, work);
  }
};

}  // namespace pretext::kernels
