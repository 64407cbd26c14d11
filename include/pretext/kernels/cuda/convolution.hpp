#pragma once
#include <cstddef>

#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cuda/patch_operands.hpp>
#include <pretext/kernels/cuda/stored_patches.hpp>
#include <pretext/kernels/cuda/tiled_product.hpp>
#include <pretext/kernels/gemm.hpp>

namespace pretext::kernels {

/// Implicit products, whose matrix of patches is never stored and whose sums have all digits; or products of
/// stored patches, where the numerics leave digits out.
template <Accelerator Device>
struct convolution<Device> {
  template <class Place, class T>
  static void forward(Place& place, const convolution_extents& e, std::size_t batch, const T* x, const T* w,
                      T* y) {
    const std::size_t places = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm<Device>::run(place, op::as_is, op::as_is, places, e.out, e.in, x, w, y, into::overwrite);
    else if constexpr (grid::rounds_factors<Place>())
      grid::convolution_by_stored_patches<Device>::forward(place, e, batch, x, w, y);
    else
      grid::multiply(place, {places, e.out, e.taps() * e.in}, grid::patch_matrix<T>{e, x},
                     grid::matrix<T>{w, e.out}, y, into::overwrite);
  }

  template <class Place, class T>
  static void backward_data(Place& place, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, into mode) {
    const std::size_t pixels = batch * e.height * e.width;
    if (pointwise(e))
      gemm<Device>::run(place, op::as_is, op::transposed, pixels, e.in, e.out, dy, w, dx, mode);
    else if constexpr (grid::rounds_factors<Place>())
      grid::convolution_by_stored_patches<Device>::backward_data(place, e, batch, dy, w, dx, mode);
    else
      grid::multiply(place, {pixels, e.in, e.taps() * e.out}, grid::result_matrix<T>{e, dy},
                     grid::turned_weights<T>{e, w}, dx, mode);
  }

  template <class Place, class T, class W>
  static void backward_weights(Place& place, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    const std::size_t places = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm<Device>::run(place, op::transposed, op::as_is, e.in, e.out, places, x, dy, dw, into::accumulate);
    else if constexpr (grid::rounds_factors<Place>())
      grid::convolution_by_stored_patches<Device>::backward_weights(place, e, batch, x, dy, dw);
    else
      grid::multiply(place, {e.taps() * e.in, e.out, places}, grid::turned_patch_matrix<T>{{e, x}},
                     grid::matrix<T>{dy, e.out}, dw, into::accumulate);
  }

 private:
  /// Is it a product of matrices as they lie?
  static constexpr bool pointwise(const convolution_extents& e) {
    return e.taps() == 1 && e.stride == 1 && e.padding == 0;
  }
};

}  // namespace pretext::kernels
