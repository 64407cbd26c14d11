#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gemm.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/convolution/patch_operands.hpp>

namespace pretext::grid {

/// Do a place's numerics ask for products of fewer digits, which tensor cores make?
template <class Context>
constexpr bool rounds_factors() {
  using numerics = typename Context::numerics;
  if constexpr (requires { numerics::products_in_tf32; })
    return true;
  else
    return !std::is_same_v<typename numerics::compute, typename numerics::activation>;
}

/// The patches of some images, one after another.
template <class T>
struct store_patches {
  patch_matrix<T> from;
  std::size_t numbers;  ///< of a patch
  T* patches;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(patches + i, load_if_any<N>(from.where(from.row(i / numbers), from.column(i % numbers))));
  }
};

/// dx from the gradients of all patches: each pixel adds up what the patches that saw it say, in their order.
template <class T>
struct add_patches {
  kernels::convolution_extents e;
  const T* dpatches;
  bool accumulate;
  T* dx;
  image_rows pixels{divisor{e.height}, divisor{e.width}};

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const image_place at = pixels.of(i / e.in);
    vec<arithmetic<T>, N> sum{};
    if (accumulate) sum = load<N>(dx + i);
    for (std::size_t a = 0; a < e.rows; ++a)
      for (std::size_t b = 0; b < e.columns; ++b) {
        // Below zero it wraps to a number beyond any extent.
        const std::size_t down = at.row + e.padding - a, right = at.column + e.padding - b;
        const std::size_t p = down / e.stride, q = right / e.stride;
        if (p >= e.out_height() || q >= e.out_width() || p * e.stride != down || q * e.stride != right)
          continue;
        const std::size_t position = (at.sample * e.out_height() + p) * e.out_width() + q;
        const auto says = load<N>(dpatches + (position * e.taps() + a * e.columns + b) * e.in + i % e.in);
        for (unsigned k = 0; k < N; ++k) sum[k] += says[k];
      }
    store<N>(dx + i, sum);
  }
};

/// A convolution as products of matrices (Chellapilla et al. 2006), a few images at a time, so that their
/// patches stay in a GPU's L2 cache: what makes use of tensor cores through `gemm`.
template <class Device, std::size_t Most = std::size_t{1} << 23>
struct convolution_by_stored_patches {
  using gemm = kernels::gemm<Device>;
  using op = kernels::op;
  using write_mode = kernels::write_mode;

  template <class Context, class T>
  static void forward(Context& context, const kernels::convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      store(context, e, first, rows, x, patches);
      gemm::run(context, op::none, op::none, rows, e.out, numbers(e), static_cast<const T*>(patches), w,
                y + first * positions(e) * e.out, write_mode::overwrite);
    });
  }

  template <class Context, class T>
  static void backward_data(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                            const T* dy, const T* w, T* dx, write_mode mode) {
    each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      gemm::run(context, op::none, op::transposed, rows, numbers(e), e.out, dy + first * positions(e) * e.out,
                w, patches, write_mode::overwrite);
      const std::size_t image = e.height * e.width * e.in;
      each_lanes<T>(context, rows / positions(e) * image, e.in, {patches, dx + first * image},
                    add_patches<T>{e, patches, mode == write_mode::accumulate, dx + first * image});
    });
  }

  template <class Context, class T, class W>
  static void backward_weights(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                               const T* x, const T* dy, W* dw) {
    each_run<T>(context, e, batch, [&](std::size_t first, std::size_t rows, T* patches) {
      store(context, e, first, rows, x, patches);
      gemm::run(context, op::transposed, op::none, numbers(e), e.out, rows, static_cast<const T*>(patches),
                dy + first * positions(e) * e.out, dw, write_mode::accumulate);
    });
  }

 private:
  static constexpr std::size_t numbers(const kernels::convolution_extents& e) { return e.taps() * e.in; }
  static constexpr std::size_t positions(const kernels::convolution_extents& e) {
    return e.out_height() * e.out_width();
  }

  /// `work(first image, rows of patches, room for them)` for runs of images.
  template <class T, class Context, class Work>
  static void each_run(Context& context, const kernels::convolution_extents& e, std::size_t batch,
                       const Work& work) {
    const std::size_t image = positions(e) * numbers(e), most = Most / image;
    const std::size_t run = smaller(batch, most > 0 ? most : 1);
    const arena_scope guard{context.workspace};
    T* const patches = context.workspace.template allocate<T>(run * image);
    for (std::size_t first = 0; first < batch; first += run)
      work(first, smaller(run, batch - first) * positions(e), patches);
  }

  template <class Context, class T>
  static void store(Context& context, const kernels::convolution_extents& e, std::size_t first,
                    std::size_t rows, const T* x, T* patches) {
    const T* const images = x + first * e.height * e.width * e.in;
    each_lanes<T>(context, rows * numbers(e), e.in, {images, patches},
                  store_patches<T>{{e, images}, numbers(e), patches});
  }
};

}  // namespace pretext::grid
