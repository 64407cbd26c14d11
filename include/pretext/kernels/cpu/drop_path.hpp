#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/drop_path.hpp>

namespace pretext::kernels {

template <>
struct drop_path<cpu> {
  template <class Place, class T>
  static void run(Place&, const sample_keys& keys, std::size_t batch, std::uint32_t draw, double rate,
                  T* factor) {
    for (std::size_t n = 0; n < batch; ++n) factor[n] = static_cast<T>(path_factor(keys(n), draw, rate));
  }
};

}  // namespace pretext::kernels
