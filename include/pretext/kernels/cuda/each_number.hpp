#pragma once
#include <cstddef>

#include <pretext/devices/grid.hpp>
#include <pretext/kernels/each_number.hpp>

namespace pretext::kernels {

template <Accelerator Device>
struct each_number<Device> {
  template <class Place, class Work>
  static void run(Place& place, std::size_t n, const Work& work) {
    grid::each_number(place, n, work);
  }
};

}  // namespace pretext::kernels
