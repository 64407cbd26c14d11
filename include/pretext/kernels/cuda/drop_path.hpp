#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/grid.hpp>
#include <pretext/kernels/drop_path.hpp>

namespace pretext::grid {

template <class T>
struct draw_path_factor {
  sample_keys keys;
  std::uint32_t draw;
  double rate;
  T* factor;
  PRETEXT_HOST_DEVICE void operator()(std::size_t n) const {
    factor[n] = static_cast<T>(kernels::path_factor(keys(n), draw, rate));
  }
};
template <class T>
struct scale_samples {
  std::size_t numbers;
  const T *factor, *dy;
  T* dbranch;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { dbranch[i] = factor[i / numbers] * dy[i]; }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct drop_path<Device> {
  template <class Place, class T>
  static void run(Place& place, const sample_keys& keys, std::size_t batch, std::uint32_t draw, double rate,
                  T* factor) {
    grid::each_number(place, batch, grid::draw_path_factor<T>{keys, draw, rate, factor});
  }
  template <class Place, class T>
  static void scale(Place& place, std::size_t batch, std::size_t numbers, const T* factor, const T* dy,
                    T* dbranch) {
    grid::each_number(place, batch * numbers, grid::scale_samples<T>{numbers, factor, dy, dbranch});
  }
};

}  // namespace pretext::kernels
