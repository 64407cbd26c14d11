// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cuda.hpp>
#include <pretext/devices/cuda/cudnn_plans.hpp>
#include <pretext/kernels/gpu/block/transpose.hpp>
#include <pretext/kernels/gpu/convolution.hpp>
#include <pretext/kernels/gpu/elementwise.hpp>

namespace pretext::inline v0_1::kernels {

/// cuDNN's convolutions if the numerics round operands. The fallback, implicit GEMM, handles pointwise
/// convolutions (a plain matrix product), unaligned memory, and shapes for which cuDNN has no deterministic
/// plan. cuDNN expects filters as (out, rows, columns, in); transposing them costs little, because filters
/// are small next to activations.
template <>
struct convolution<cuda> {
  using fallback = grid::implicit_gemm<cuda>;
  using pass = pretext::detail::convolution_pass;

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    const arena_scope guard{context.workspace};
    if (const auto* plan = plan_for<T>(context, pass::forward, e, batch, x, y))
      run(context, *plan, x, y, transposed(context, e, w));
    else
      fallback::forward(context, e, batch, x, w, y);
  }

  template <class Context, class T>
  static void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, write_mode mode) {
    const arena_scope guard{context.workspace};
    if (const auto* plan = plan_for<T>(context, pass::data, e, batch, dx, dy)) {
      const std::size_t pixels = batch * e.height * e.width * e.in;
      const bool accumulate = mode == write_mode::accumulate;
      T* const gradient = accumulate ? context.workspace.template allocate<T>(pixels) : dx;
      run(context, *plan, gradient, dy, transposed(context, e, w));
      if (accumulate) elementwise<cuda>::axpy(context, pixels, 1, static_cast<const T*>(gradient), dx);
    } else {
      fallback::backward_data(context, e, batch, dy, w, dx, mode);
    }
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

  /// Adds cuDNN's gradient, computed as type Gradient. Returns false if cuDNN has no plan for it.
  template <class Gradient, class Context, class T, class W>
  static bool add_gradient(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                           const T* dy, W* dw) {
    const auto* const plan = plan_for<Gradient>(context, pass::weights, e, batch, x, dy);
    if (!plan) return false;
    const arena_scope guard{context.workspace};
    Gradient* const gradient = context.workspace.template allocate<Gradient>(e.weights());
    run(context, *plan, x, dy, gradient);
    grid::transpose(context, e.out, e.taps() * e.in, static_cast<const Gradient*>(gradient), dw, true);
    return true;
  }

  template <class T>
  static constexpr cudnnDataType_t data_type =
      std::is_same_v<T, bfloat16> ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;

  /// The plan with filters stored as F; null if implicit GEMM must be used.
  template <class F, class Context, class T>
  static const plans::plan* plan_for(Context& context, pass direction, const convolution_extents& e,
                                     std::size_t batch, const T* images, const T* results) {
    if constexpr (grid::rounds_operands<Context>()) {
      const auto aligned = [](const T* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; };
      if (fallback::pointwise(e) || batch == 0 || !aligned(images) || !aligned(results)) return nullptr;
      const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      const auto& plan = context.stream.template convolutions<plans>().find(
          {direction, data_type<T>, data_type<F>, count(batch), count(e.height), count(e.width), count(e.in),
           count(e.out), count(e.out_height()), count(e.out_width()), count(e.rows), count(e.columns),
           count(e.stride), count(e.padding)});
      return plan.possible() ? &plan : nullptr;
    } else {
      return nullptr;
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
  static void run(Context& context, const plans::plan& plan, const void* images, const void* results,
                  const void* filters) {
    auto* const workspace = context.workspace.template allocate<std::byte>(plan.workspace);
    context.stream.template convolutions<plans>().run(context.stream.native(), plan, images, results, filters,
                                                      workspace);
  }
};

}  // namespace pretext::inline v0_1::kernels
