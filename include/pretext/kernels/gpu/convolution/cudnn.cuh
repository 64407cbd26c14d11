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

  template <class Place, class T>
  static void forward(Place& place, const convolution_extents& e, std::size_t batch, const T* x, const T* w,
                      T* y) {
    const borrowed guard{place.scratch};
    if (const auto* plan = plan_for<T>(place, pass::forward, e, batch, x, y))
      run(place, *plan, x, y, turned(place, e, w));
    else
      own::forward(place, e, batch, x, w, y);
  }

  template <class Place, class T>
  static void backward_data(Place& place, const convolution_extents& e, std::size_t batch, const T* dy,
                            const T* w, T* dx, into mode) {
    const borrowed guard{place.scratch};
    if (const auto* plan = plan_for<T>(place, pass::data, e, batch, dx, dy)) {
      const std::size_t pixels = batch * e.height * e.width * e.in;
      const bool adds = mode == into::accumulate;
      T* const made = adds ? place.scratch.template take<T>(pixels) : dx;
      run(place, *plan, made, dy, turned(place, e, w));
      if (adds) blend<cuda>::axpy(place, pixels, 1, static_cast<const T*>(made), dx);
    } else {
      own::backward_data(place, e, batch, dy, w, dx, mode);
    }
  }

  /// cuDNN gives the gradient as float where it can, else rounded once, as PyTorch's autocast has it.
  template <class Place, class T, class W>
  static void backward_weights(Place& place, const convolution_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    if (add_gradient<W>(place, e, batch, x, dy, dw)) return;
    if constexpr (!std::is_same_v<T, W>)
      if (add_gradient<T>(place, e, batch, x, dy, dw)) return;
    own::backward_weights(place, e, batch, x, dy, dw);
  }

 private:
  using plans = pretext::detail::convolution_plans;

  /// From cuDNN's gradient stored as `Made`; says whether there is one.
  template <class Made, class Place, class T, class W>
  static bool add_gradient(Place& place, const convolution_extents& e, std::size_t batch, const T* x,
                           const T* dy, W* dw) {
    const auto* const plan = plan_for<Made>(place, pass::weights, e, batch, x, dy);
    if (!plan) return false;
    const borrowed guard{place.scratch};
    Made* const made = place.scratch.template take<Made>(e.weights());
    run(place, *plan, x, dy, made);
    grid::turn(place, e.out, e.taps() * e.in, static_cast<const Made*>(made), dw, true);
    return true;
  }

  template <class T>
  static constexpr cudnnDataType_t number =
      std::is_same_v<T, bfloat16> ? CUDNN_DATA_BFLOAT16 : CUDNN_DATA_FLOAT;

  /// With filters stored as F; null where our own kernels are to do it.
  template <class F, class Place, class T>
  static const plans::plan* plan_for(Place& place, pass which, const convolution_extents& e,
                                     std::size_t batch, const T* images, const T* results) {
    if constexpr (grid::rounds_factors<Place>()) {
      const auto whole = [](const T* memory) { return reinterpret_cast<std::uintptr_t>(memory) % 16 == 0; };
      if (own::pointwise(e) || batch == 0 || !whole(images) || !whole(results)) return nullptr;
      const auto count = [](std::size_t n) { return static_cast<std::int64_t>(n); };
      const auto& plan = place.stream.template convolutions<plans>().find(
          {which, number<T>, number<F>, count(batch), count(e.height), count(e.width), count(e.in),
           count(e.out), count(e.out_height()), count(e.out_width()), count(e.rows), count(e.columns),
           count(e.stride), count(e.padding)});
      return plan.possible() ? &plan : nullptr;
    } else {
      return nullptr;
    }
  }

  /// Filters from (rows, columns, in, out) to (out, rows, columns, in), in scratch memory.
  template <class Place, class T>
  static const T* turned(Place& place, const convolution_extents& e, const T* w) {
    T* const filters = place.scratch.template take<T>(e.weights());
    grid::turn(place, e.taps() * e.in, e.out, w, filters);
    return filters;
  }

  template <class Place>
  static void run(Place& place, const plans::plan& plan, const void* images, const void* results,
                  const void* filters) {
    auto* const workspace = place.scratch.template take<std::byte>(plan.workspace);
    place.stream.template convolutions<plans>().run(place.stream.native(), plan, images, results, filters,
                                                    workspace);
  }
};

}  // namespace pretext::kernels
