// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/devices/cuda/cudnn_plans.hpp>
#include <pretext/kernels/gpu/block/transpose.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/convolution.hpp>
#include <pretext/kernels/gpu/elementwise.hpp>

namespace pretext::inline v0_1::kernels {

/// cuDNN's convolutions if the numerics round operands. The fallback, implicit GEMM, handles pointwise
/// convolutions (a plain matrix product) except those that sum their results, unaligned memory, and shapes
/// for which cuDNN has no deterministic plan, or none that it executes. cuDNN expects filters as (out, rows,
/// columns, in); transposing them costs little, because filters are small next to activations.
template <>
struct convolution<cuda_gpu> {
  using fallback = grid::implicit_gemm<cuda_gpu>;
  using pass = pretext::detail::convolution_pass;
  static constexpr bool sums_results = true;

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    described_convolution described;
    if (describe<T>(context, pass::forward, e, batch, x, y, described) &&
        run_with_filters(context, described, e, x, y, w))
      return;
    fallback::forward(context, e, batch, x, w, y);
  }

  /// With bfloat16 and results for which the stream's plans compile kernels; where plans are timed, only if
  /// that is faster.
  template <class Context, class T, class W, class Separately>
  static bool forward_with_sums(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                                const T* w, T* y, W* sums, std::span<W> changed,
                                const Separately& separately) {
    using namespace pretext::detail;
    if constexpr (std::is_same_v<T, bfloat16> && std::is_same_v<W, float>) {
      const W* const square_sums = sums + e.out;
      const std::size_t bytes = batch * e.out_height() * e.out_width() * e.out * sizeof(T);
      if (batch == 0 || bytes < context.stream.plans().compiles_from ||
          !grid::is_vectorizable<W>(e.out, {x, y, sums}))
        return false;
      described_convolution described = described_as<T, T>(pass::forward, e, batch);
      described.sums = true;
      plans& library = context.stream.template library<plans>();
      const auto fused = [&] {
        const arena_scope guard{context.workspace};
        return library.run(context, described,
                           {{image_name, x},
                            {result_name, y},
                            {filter_name, transposed(context, e, w)},
                            {sum_name, sums},
                            {square_sum_name, square_sums}});
      };
      return library.is_faster(context, described, {changed.data(), changed.size_bytes()}, fused,
                               separately) &&
             fused();
    } else {
      return false;
    }
  }

  /// Where it accumulates, cuDNN adds to dx in float if it has a plan that does, else the gradient is rounded
  /// to T and added in a pass of its own.
  template <class Context, class T>
  static void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, write_mode mode) {
    const bool accumulate = mode == write_mode::accumulate;
    described_convolution described;
    if (describe<T>(context, pass::data, e, batch, dx, dy, described, accumulate) &&
        run_with_filters(context, described, e, dx, dy, w))
      return;
    if (accumulate && describe<T>(context, pass::data, e, batch, dx, dy, described)) {
      const arena_scope guard{context.workspace};
      const std::size_t pixels = batch * e.height * e.width * e.in;
      T* const gradient = context.workspace.template allocate<T>(pixels);
      if (run_with_filters(context, described, e, gradient, dy, w)) {
        elementwise<cuda_gpu>::axpy(context, pixels, 1, static_cast<const T*>(gradient), dx);
        return;
      }
    }
    fallback::backward_data(context, e, batch, dy, w, dx, mode);
  }

  /// The gradient comes from cuDNN in float if it has such a plan, else rounded once to T, as in PyTorch's
  /// autocast.
  template <class Context, class T, class W>
  static void backward_weights(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    if (add_gradient<W>(context, e, batch, x, dy, dw)) return;
    if constexpr (!std::is_same_v<T, W>)
      if (add_gradient<T>(context, e, batch, x, dy, dw)) return;
    fallback::backward_weights(context, e, batch, x, dy, dw);
  }

 private:
  using plans = pretext::detail::cudnn_plans;
  using described_convolution = pretext::detail::cudnn_convolution;

  /// Adds cuDNN's gradient, computed as type Gradient. Returns false if cuDNN has no plan for it.
  template <class Gradient, class Context, class T, class W>
  static bool add_gradient(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                           const T* dy, W* dw) {
    described_convolution described;
    if (!describe<Gradient>(context, pass::weights, e, batch, x, dy, described)) return false;
    const arena_scope guard{context.workspace};
    Gradient* const gradient = context.workspace.template allocate<Gradient>(e.weights());
    if (!run(context, described, x, dy, gradient)) return false;
    grid::transpose(context, e.out, e.taps() * e.in, static_cast<const Gradient*>(gradient), dw, true);
    return true;
  }

  template <class T>
  static constexpr cudnnDataType_t data_type =
      std::is_same_v<T, bfloat16> ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;

  template <class F, class T>
  static described_convolution described_as(pass direction, const convolution_extents& e, std::size_t batch) {
    const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
    return {direction,      data_type<T>,     data_type<F>,    count(batch),          count(e.height),
            count(e.width), count(e.in),      count(e.out),    count(e.out_height()), count(e.out_width()),
            count(e.rows),  count(e.columns), count(e.stride), count(e.padding)};
  }

  /// Describes the convolution with filters stored as F. Returns whether cuDNN has a plan for it.
  template <class F, class Context, class T>
  static bool describe(Context& context, pass direction, const convolution_extents& e, std::size_t batch,
                       const T* images, const T* results, described_convolution& described,
                       bool accumulates = false) {
    if constexpr (grid::rounds_operands<Context>()) {
      const auto aligned = [](const T* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; };
      if (fallback::pointwise(e) || batch == 0 || !aligned(images) || !aligned(results)) return false;
      described = described_as<F, T>(direction, e, batch);
      described.accumulates = accumulates;
      return context.stream.template library<plans>().find(described).possible();
    } else {
      return false;
    }
  }

  /// Filters transposed from (rows, columns, in, out) to (out, rows, columns, in), in the workspace.
  template <class Context, class T>
  static const T* transposed(Context& context, const convolution_extents& e, const T* w) {
    T* const filters = context.workspace.template allocate<T>(e.weights());
    grid::transpose(context, e.taps() * e.in, e.out, w, filters);
    return filters;
  }

  template <class Context>
  static bool run(Context& context, const described_convolution& described, const void* images,
                  const void* results, const void* filters) {
    using namespace pretext::detail;
    return context.stream.template library<plans>().run(
        context, described, {{image_name, images}, {result_name, results}, {filter_name, filters}});
  }
  /// The same for filters in our layout.
  template <class Context, class T>
  static bool run_with_filters(Context& context, const described_convolution& described,
                               const convolution_extents& e, const T* images, const T* results, const T* w) {
    const arena_scope guard{context.workspace};
    return run(context, described, images, results, transposed(context, e, w));
  }
};

}  // namespace pretext::inline v0_1::kernels
