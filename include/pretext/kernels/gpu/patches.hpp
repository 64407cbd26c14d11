// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <numeric>

#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/patches.hpp>

namespace pretext::inline v0_1::grid {

/// The index in the images of element `i` of the rows of patches.
struct patch_elements {
  kernels::patch_extents e;
  kernels::index_list selected;

  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    const std::size_t element = i % e.patch_dim(), row = i / e.patch_dim();
    const std::size_t sample = row / selected.count, at = selected.position(sample, row % selected.count);
    const std::size_t length = e.patch * e.channels;
    const std::size_t line = at / e.columns() * e.patch + element / length;
    return ((sample * e.height + line) * e.width + at % e.columns() * e.patch) * e.channels +
           element % length;
  }
};

/// rows = the selected patches of the images.
template <class T>
struct gather_patches {
  patch_elements at_image;
  const T* images;
  T* rows;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(rows + i, load<N>(images + at_image(i)));
  }
};
/// Writes the selected patches into the images.
template <class T>
struct scatter_patches {
  patch_elements at_image;
  const T* rows;
  T* images;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(images + at_image(i), load<N>(rows + i));
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One thread per vector; scatter clears the images first unless the patches cover them.
template <Accelerator Device>
struct patches<Device> {
  template <class Context, class T>
  static void gather(Context& context, const patch_extents& e, std::size_t batch, const index_list& selected,
                     const T* images, T* rows) {
    grid::parallel_for_vec<T>(context, batch * selected.count * e.patch_dim(), contiguous(e), {images, rows},
                              grid::gather_patches<T>{{e, selected}, images, rows});
  }

  template <class Context, class T>
  static void scatter(Context& context, const patch_extents& e, std::size_t batch, const index_list& selected,
                      const T* rows, T* images) {
    const bool covered = selected.count == e.patches() && e.height % e.patch == 0 && e.width % e.patch == 0;
    if (!covered) Device::clear(context.stream, images, batch * e.height * e.width * e.channels);
    grid::parallel_for_vec<T>(context, batch * selected.count * e.patch_dim(), contiguous(e), {images, rows},
                              grid::scatter_patches<T>{{e, selected}, rows, images});
  }

 private:
  /// Elements in a row that lie together in the patches and in the images, from a multiple of their number.
  static std::size_t contiguous(const patch_extents& e) {
    return std::gcd(e.patch * e.channels, e.width * e.channels);
  }
};

}  // namespace pretext::inline v0_1::kernels
