// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/layers/detail/arithmetic_type.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Work of `for_each_row`: y = SiLU(a)·b of a row (a, b), where SiLU(a) = a/(1 + e^-a).
template <class T>
struct gate_row {
  std::size_t columns;
  const T* x;
  T* y;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    using R = arithmetic_type<T>;
    const T* const from = x + row * 2 * columns;
    team.each(columns, [&](std::size_t c) {
      const R a = static_cast<R>(from[c]), b = static_cast<R>(from[columns + c]);
      y[row * columns + c] = static_cast<T>(a / (1 + std::exp(-a)) * b);
    });
  }
};

/// The gradient of `gate_row`.
template <class T>
struct gate_row_gradient {
  std::size_t columns;
  const T *x, *dy;
  T* dx;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    using R = arithmetic_type<T>;
    const T* const from = x + row * 2 * columns;
    T* const to = dx + row * 2 * columns;
    team.each(columns, [&](std::size_t c) {
      const R a = static_cast<R>(from[c]), b = static_cast<R>(from[columns + c]),
              slope = static_cast<R>(dy[row * columns + c]), s = 1 / (1 + std::exp(-a));
      to[c] = static_cast<T>(slope * b * s * (1 + a * (1 - s)));
      to[columns + c] = static_cast<T>(slope * a * s);
    });
  }
};

}  // namespace detail

/// The gated perceptron of DINOv2's giant transformer (SwiGLU; Shazeer 2020, eq. 6, with biases):
/// fc2(SiLU(a)·b) where (a, b) = fc1(x); (D) to (D) or (T, D) to (T, D). The widths of a and b are 2/3 of
/// Ratio times D, rounded up to a multiple of 8. Parameter paths are timm's, fc1 and fc2; the official ones
/// are w12 and w3.
template <std::size_t Ratio = 4, class Init = xavier_uniform>
struct swiglu_mlp {
  template <Shape In>
  static constexpr std::size_t width = channels_of<In>;
  template <Shape In>
  static constexpr std::size_t hidden_width = (Ratio * width<In> * 2 / 3 + 7) / 8 * 8;
  template <Shape In>
  using fc1 = linear<2 * hidden_width<In>, bias::yes, Init>;
  template <Shape In>
  using hidden = output_of<fc1<In>, In>;
  template <Shape In>
  using gated = output_of<linear<hidden_width<In>>, In>;
  template <Shape In>
  using fc2 = linear<width<In>, bias::yes, Init>;

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return concatenate(prefixed("fc1", parameters_of<fc1<In>, In>),
                       prefixed("fc2", parameters_of<fc2<In>, gated<In>>));
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<fc1<In>, In> + pretext::macs<fc2<In>, gated<In>>;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    reads<Context, hidden<In>> inner;
    reads<Context, gated<In>> activated;
  };

  /// `epilogue` adds the result to a residual sum.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const auto inner = context.activations.template allocate<T, hidden<In>>(x.batch);
    const auto activated = context.activations.template allocate<T, gated<In>>(x.batch);
    run(context, w, x, inner, activated, y, epilogue);
    cache = {x, inner, activated};
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dactivated = context.workspace.template allocate<T, gated<In>>(dy.batch);
    const auto dinner = context.workspace.template allocate<T, hidden<In>>(dy.batch);
    cache_of<fc2<In>, gated<In>, Context> fc2_cache{cache.activated};
    fc2<In>::backward(context, w.at(fc2_offset<In>), fc2_cache, dy, dactivated);
    kernels::for_each_row<typename Context::device>::run(
        context, dy.batch * position_count<In>,
        detail::gate_row_gradient<T>{hidden_width<In>, cache.inner.data, dactivated.data, dinner.data});
    cache_of<fc1<In>, In, Context> fc1_cache{cache.x};
    fc1<In>::backward(context, w, fc1_cache, reads<Context, hidden<In>>{dinner}, dx);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                    const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto inner = context.workspace.template allocate<T, hidden<In>>(x.batch);
    const auto activated = context.workspace.template allocate<T, gated<In>>(x.batch);
    run(context, w, x, inner, activated, y, epilogue);
  }

 private:
  template <Shape In>
  static constexpr std::size_t fc2_offset = weight_count<fc1<In>, In>;

  template <class Context, Shape In, Shape Hidden, Shape Gated>
  static void run(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, Hidden> inner,
                  writes<Context, Gated> activated, writes<Context, In> y,
                  const linear_epilogue<Context>& epilogue) {
    fc1<In>::infer(context, w, x, inner);
    kernels::for_each_row<typename Context::device>::run(
        context, x.batch * position_count<In>,
        detail::gate_row<typename Context::activation>{hidden_width<In>, inner.data, activated.data});
    fc2<In>::infer(context, w.at(fc2_offset<In>), reads<Context, Gated>{activated}, y, epilogue);
  }
};

}  // namespace pretext::inline v0_1
