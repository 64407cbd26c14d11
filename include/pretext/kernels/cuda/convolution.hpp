#pragma once
#include <cstddef>

#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/cuda/tiled_product.hpp>
#include <pretext/kernels/gemm.hpp>

// Implicit matrix products: the matrix of all patches is never stored, its entries are read from the images.
namespace pretext::grid {

/// The patches that a convolution sees: row (sample, p, q), column (i, j, channel).
template <class T>
struct patch_matrix {
  kernels::convolution_extents e;
  const T* x;

  PRETEXT_HOST_DEVICE bool along_columns() const { return true; }
  PRETEXT_HOST_DEVICE T entry(std::size_t row, std::size_t column) const {
    const std::size_t channel = column % e.in, tap = column / e.in;
    const std::size_t q = row % e.out_width(), above = row / e.out_width();
    const std::size_t p = above % e.out_height(), sample = above / e.out_height();
    // Below zero it wraps to a number beyond any extent.
    const std::size_t h = p * e.stride + tap / e.columns - e.padding;
    const std::size_t w = q * e.stride + tap % e.columns - e.padding;
    if (h >= e.height || w >= e.width) return T{0};
    return x[((sample * e.height + h) * e.width + w) * e.in + channel];
  }
};

/// The same, turned: what the weights' gradient multiplies from the left.
template <class T>
struct turned_patch_matrix {
  patch_matrix<T> patches;
  PRETEXT_HOST_DEVICE bool along_columns() const { return false; }
  PRETEXT_HOST_DEVICE T entry(std::size_t row, std::size_t column) const {
    return patches.entry(column, row);
  }
};

/// Which results each pixel took part in: row (sample, h, w), column (i, j, channel of the result).
template <class T>
struct result_matrix {
  kernels::convolution_extents e;
  const T* dy;

  PRETEXT_HOST_DEVICE bool along_columns() const { return true; }
  PRETEXT_HOST_DEVICE T entry(std::size_t row, std::size_t column) const {
    const std::size_t channel = column % e.out, tap = column / e.out;
    const std::size_t w = row % e.width, above = row / e.width;
    const std::size_t h = above % e.height, sample = above / e.height;
    const std::size_t down = h + e.padding - tap / e.columns, right = w + e.padding - tap % e.columns;
    const std::size_t p = down / e.stride, q = right / e.stride;
    if (p >= e.out_height() || q >= e.out_width() || p * e.stride != down || q * e.stride != right)
      return T{0};
    return dy[((sample * e.out_height() + p) * e.out_width() + q) * e.out + channel];
  }
};

/// The weights (i, j, in, out) as result_matrix meets them: row (i, j, out), column in.
template <class T>
struct turned_weights {
  kernels::convolution_extents e;
  const T* w;

  PRETEXT_HOST_DEVICE bool along_columns() const { return false; }
  PRETEXT_HOST_DEVICE T entry(std::size_t row, std::size_t column) const {
    return w[(row / e.out * e.in + column) * e.out + row % e.out];
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct convolution<Device> {
  template <class Place, class T>
  static void forward(Place& place, const convolution_extents& e, std::size_t batch, const T* x, const T* w,
                      T* y) {
    const std::size_t places = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm<Device>::run(place, op::as_is, op::as_is, places, e.out, e.in, x, w, y, into::overwrite);
    else
      grid::multiply<T>(place, {places, e.out, e.taps() * e.in}, grid::patch_matrix<T>{e, x},
                        grid::matrix<T>{w, e.out, false}, y, into::overwrite);
  }

  template <class Place, class T>
  static void backward_data(Place& place, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, into mode) {
    const std::size_t pixels = batch * e.height * e.width;
    if (pointwise(e))
      gemm<Device>::run(place, op::as_is, op::transposed, pixels, e.in, e.out, dy, w, dx, mode);
    else
      grid::multiply<T>(place, {pixels, e.in, e.taps() * e.out}, grid::result_matrix<T>{e, dy},
                        grid::turned_weights<T>{e, w}, dx, mode);
  }

  template <class Place, class T>
  static void backward_weights(Place& place, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, T* dw) {
    const std::size_t places = batch * e.out_height() * e.out_width();
    if (pointwise(e))
      gemm<Device>::run(place, op::transposed, op::as_is, e.in, e.out, places, x, dy, dw, into::accumulate);
    else
      grid::multiply<T>(place, {e.taps() * e.in, e.out, places},
                        grid::turned_patch_matrix<T>{{e, x}}, grid::matrix<T>{dy, e.out, false}, dw,
                        into::accumulate);
  }

 private:
  /// Is it a product of matrices as they lie?
  static constexpr bool pointwise(const convolution_extents& e) {
    return e.taps() == 1 && e.stride == 1 && e.padding == 0;
  }
};

}  // namespace pretext::kernels
