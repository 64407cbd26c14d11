#pragma once
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/parallel_for.hpp>

namespace pretext::kernels {

template <>
struct each_number<cpu> {
  template <class Place, class Work>
  static void run(Place& place, std::size_t n, const Work& work) {
    place.stream.for_each_run(n, 1024, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) work(i);
    });
  }
};

}  // namespace pretext::kernels
