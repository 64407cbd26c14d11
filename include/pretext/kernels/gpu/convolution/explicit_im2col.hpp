// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/convolution/patch_operands.hpp>

namespace pretext::inline v0_1::grid {

/// Whether the context's numerics round operands (TF32 or bfloat16), which lets tensor cores multiply them.
template <class Context>
constexpr bool rounds_operands() {
  using numerics = typename Context::numerics;
  if constexpr (requires { numerics::products_in_tf32; })
    return true;
  else
    return !std::is_same_v<typename numerics::compute, typename numerics::activation>;
}

/// im2col: writes the patches of some images, one after another.
template <class T>
struct im2col {
  patch_matrix<T> from;
  std::size_t patch_size;  ///< elements of a patch
  T* patches;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(patches + i, load_or_zero<N>(from.where(from.row(i / patch_size), from.column(i % patch_size))));
  }
};

/// col2im: dx from the gradients of all patches. Each pixel sums over the patches that contain it, in a
/// fixed order.
template <class T>
struct col2im {
  kernels::convolution_extents e;
  const T* dpatches;
  bool accumulate;
  T* dx;
  image_rows pixels{divisor{e.height}, divisor{e.width}};

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const pixel_position at = pixels.of(i / e.in);
    vec<arithmetic<T>, N> sum{};
    if (accumulate) sum = load<N>(dx + i);
    for (std::size_t a = 0; a < e.rows; ++a)
      for (std::size_t b = 0; b < e.columns; ++b) {
        // negative values wrap around to values beyond any extent
        const std::size_t down = at.row + e.padding - a, right = at.column + e.padding - b;
        const std::size_t p = down / e.stride, q = right / e.stride;
        if (p >= e.out_height() || q >= e.out_width() || p * e.stride != down || q * e.stride != right)
          continue;
        const std::size_t position = (at.sample * e.out_height() + p) * e.out_width() + q;
        const auto gradient = load<N>(dpatches + (position * e.taps() + a * e.columns + b) * e.in + i % e.in);
        for (unsigned k = 0; k < N; ++k) sum[k] += gradient[k];
      }
    store<N>(dx + i, sum);
  }
};

/// Convolution by explicit im2col and GEMM (Chellapilla et al. 2006). It processes few images at a time, at
/// most MaxElements elements of patches, so that their patches stay in a GPU's L2 cache.
template <class Device, std::size_t MaxElements = std::size_t{1} << 23>
struct explicit_im2col {
  using gemm = kernels::gemm<Device>;
  using op = kernels::op;
  using write_mode = kernels::write_mode;

  template <class Context, class T>
  static void forward(Context& context, const kernels::convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    for_each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      store(context, e, first, rows, x, patches);
      gemm::run(context, op::none, op::none, rows, e.out, patch_size(e), static_cast<const T*>(patches), w,
                y + first * positions(e) * e.out, write_mode::overwrite);
    });
  }

  template <class Context, class T>
  static void backward_data(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                            const T* dy, const T* w, T* dx, write_mode mode) {
    for_each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      gemm::run(context, op::none, op::transposed, rows, patch_size(e), e.out,
                dy + first * positions(e) * e.out, w, patches, write_mode::overwrite);
      const std::size_t image = e.height * e.width * e.in;
      parallel_for_vec<T>(context, rows / positions(e) * image, e.in, {patches, dx + first * image},
                          col2im<T>{e, patches, mode == write_mode::accumulate, dx + first * image});
    });
  }

  template <class Context, class T, class W>
  static void backward_weights(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                               const T* x, const T* dy, W* dw) {
    for_each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      store(context, e, first, rows, x, patches);
      gemm::run(context, op::transposed, op::none, patch_size(e), e.out, rows, static_cast<const T*>(patches),
                dy + first * positions(e) * e.out, dw, write_mode::accumulate);
    });
  }

 private:
  static constexpr std::size_t patch_size(const kernels::convolution_extents& e) { return e.taps() * e.in; }
  static constexpr std::size_t positions(const kernels::convolution_extents& e) {
    return e.out_height() * e.out_width();
  }

  /// Calls work(first image, rows of patches, buffer for them) for consecutive runs of images.
  template <class T, class Context, class Work>
  static void for_each_run(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                           const Work& work) {
    const std::size_t image = positions(e) * patch_size(e), limit = MaxElements / image;
    const std::size_t run = smaller(batch, limit > 0 ? limit : 1);
    const arena_scope guard{context.workspace};
    T* const patches = context.workspace.template allocate<T>(run * image);
    for (std::size_t first = 0; first < batch; first += run)
      work(first, smaller(run, batch - first) * positions(e), patches);
  }

  template <class Context, class T>
  static void store(Context& context, const kernels::convolution_extents& e, std::size_t first,
                    std::size_t rows, const T* x, T* patches) {
    const T* const images = x + first * e.height * e.width * e.in;
    parallel_for_vec<T>(context, rows * patch_size(e), e.in, {images, patches},
                        im2col<T>{{e, images}, patch_size(e), patches});
  }
};

}  // namespace pretext::inline v0_1::grid
