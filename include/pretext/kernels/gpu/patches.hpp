#pragma once
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext::grid {

/// Where a number of a row of patches stands in the images.
struct patch_numbers {
  kernels::patch_extents e;
  kernels::index_list chosen;

  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    const std::size_t number = i % e.patch_dim(), row = i / e.patch_dim();
    const std::size_t sample = row / chosen.count, at = chosen.position(sample, row % chosen.count);
    const std::size_t length = e.patch * e.channels;
    const std::size_t line = at / e.columns() * e.patch + number / length;
    return ((sample * e.height + line) * e.width + at % e.columns() * e.patch) * e.channels + number % length;
  }
};

template <class T>
struct gather_patches {
  patch_numbers at;
  const T* images;
  T* rows;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { rows[i] = images[at(i)]; }
};
template <class T>
struct scatter_patches {
  patch_numbers at;
  const T* rows;
  T* images;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { images[at(i)] = rows[i]; }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct patches<Device> {
  template <class Context, class T>
  static void gather(Context& context, const patch_extents& e, std::size_t batch, const index_list& chosen,
                     const T* images, T* rows) {
    grid::parallel_for(context, batch * chosen.count * e.patch_dim(),
                       grid::gather_patches<T>{{e, chosen}, images, rows});
  }

  template <class Context, class T>
  static void scatter(Context& context, const patch_extents& e, std::size_t batch, const index_list& chosen,
                      const T* rows, T* images) {
    const bool covered = chosen.count == e.patches() && e.height % e.patch == 0 && e.width % e.patch == 0;
    if (!covered) Device::clear(context.stream, images, batch * e.height * e.width * e.channels);
    grid::parallel_for(context, batch * chosen.count * e.patch_dim(),
                       grid::scatter_patches<T>{{e, chosen}, rows, images});
  }
};

}  // namespace pretext::kernels
