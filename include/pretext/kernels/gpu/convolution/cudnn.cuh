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

namespace pretext::kernels {

/// cuDNN's convolutions where numerics leave digits out, and our own where it has none that will do, where
/// memory begins at odd places, and for what is a product of matrices. cuDNN wants filters as (out, rows,
/// columns, in): they are turned for it, small as they are beside activations.
template <>
struct convolution<cuda> {
  using own = grid::own_convolution<cuda>;
  using pass = pretext::detail::convolution_pass;

  template <class Context, class T>
  static void forward(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                      const T* w, T* y) {
    const arena_scope guard{context.workspace};
    if (const auto* plan = plan_for<T>(context, pass::forward, e, batch, x, y))
      run(context, *plan, x, y, transposed(context, e, w));
    else
      own::forward(context, e, batch, x, w, y);
  }

  template <class Context, class T>
  static void backward_data(Context& context, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, write_mode mode) {
    const arena_scope guard{context.workspace};
    if (const auto* plan = plan_for<T>(context, pass::data, e, batch, dx, dy)) {
      const std::size_t pixels = batch * e.height * e.width * e.in;
      const bool adds = mode == write_mode::accumulate;
      T* const made = adds ? context.workspace.template allocate<T>(pixels) : dx;
      run(context, *plan, made, dy, transposed(context, e, w));
      if (adds) elementwise<cuda>::axpy(context, pixels, 1, static_cast<const T*>(made), dx);
    } else {
      own::backward_data(context, e, batch, dy, w, dx, mode);
    }
  }

  /// cuDNN gives the gradient as float where it can, else rounded once, as PyTorch's autocast has it.
  template <class Context, class T, class W>
  static void backward_weights(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    if (add_gradient<W>(context, e, batch, x, dy, dw)) return;
    if constexpr (!std::is_same_v<T, W>)
      if (add_gradient<T>(context, e, batch, x, dy, dw)) return;
    own::backward_weights(context, e, batch, x, dy, dw);
  }

 private:
  using plans = pretext::detail::cudnn_plans;

  /// From cuDNN's gradient stored as `Made`; says whether there is one.
  template <class Made, class Context, class T, class W>
  static bool add_gradient(Context& context, const convolution_extents& e, std::size_t batch, const T* x,
                           const T* dy, W* dw) {
    const auto* const plan = plan_for<Made>(context, pass::weights, e, batch, x, dy);
    if (!plan) return false;
    const arena_scope guard{context.workspace};
    Made* const made = context.workspace.template allocate<Made>(e.weights());
    run(context, *plan, x, dy, made);
    grid::transpose(context, e.out, e.taps() * e.in, static_cast<const Made*>(made), dw, true);
    return true;
  }

  template <class T>
  static constexpr cudnnDataType_t number =
      std::is_same_v<T, bfloat16> ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;

  /// With filters stored as F; null where our own kernels are to do it.
  template <class F, class Context, class T>
  static const plans::plan* plan_for(Context& context, pass which, const convolution_extents& e,
                                     std::size_t batch, const T* images, const T* results) {
    if constexpr (grid::rounds_factors<Context>()) {
      const auto whole = [](const T* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; };
      if (own::pointwise(e) || batch == 0 || !whole(images) || !whole(results)) return nullptr;
      const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      const auto& plan = context.stream.template convolutions<plans>().find(
          {which, number<T>, number<F>, count(batch), count(e.height), count(e.width), count(e.in),
           count(e.out), count(e.out_height()), count(e.out_width()), count(e.rows), count(e.columns),
           count(e.stride), count(e.padding)});
      return plan.possible() ? &plan : nullptr;
    } else {
      return nullptr;
    }
  }

  /// Filters from (rows, columns, in, out) to (out, rows, columns, in), in scratch memory.
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

}  // namespace pretext::kernels
