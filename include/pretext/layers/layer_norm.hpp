// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/layer_norm.hpp>

namespace pretext::inline v0_1 {

/// Normalises the last extent at each position to mean 0 and variance 1, then scales and shifts it (Ba et al.
/// 2016). ε is 1e-6, as in vision transformers; torch's default is 1e-5.
struct layer_norm {
  static constexpr double epsilon = 1e-6;

  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return std::array{parameter{"weight", {channels_of<In>}, initialiser::constant(1), parameter_decay::no},
                      parameter{"bias", {channels_of<In>}, initialiser::constant(0), parameter_decay::no}};
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    typename Context::weight *mean = nullptr, *inverse = nullptr;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    using W = typename Context::weight;
    cache.x = x;
    cache.mean = context.activations.template allocate<W>(x.batch * position_count<In>);
    cache.inverse = context.activations.template allocate<W>(x.batch * position_count<In>);
    run(context, w, x, y, cache.mean, cache.inverse);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    backward(context, w, cache, dy, dx, reads<Context, In>{});
  }

  /// dx = shortcut + the gradient of x: the sum at the start of a residual branch. `dx` may be the memory of
  /// `shortcut`.
  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx, reads<Context, In> shortcut) {
    const typename Context::weight *gamma = w.value, *mean = cache.mean, *inverse = cache.inverse;
    kernels::layer_norm<typename Context::device>::backward(
        context, dy.batch * position_count<In>, channels_of<In>, dy.data, cache.x.data, mean, inverse, gamma,
        shortcut.data, dx.data, w.gradient, w.gradient + channels_of<In>);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using W = typename Context::weight;
    run(context, w, x, y, static_cast<W*>(nullptr), static_cast<W*>(nullptr));
  }

 private:
  template <class Context, Shape In, class W>
  static void run(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y, W* mean,
                  W* inverse) {
    const W *gamma = w.value, *beta = w.at(channels_of<In>).value;
    kernels::layer_norm<typename Context::device>::forward(context, x.batch * position_count<In>,
                                                           channels_of<In>, x.data, W(epsilon), gamma, beta,
                                                           y.data, mean, inverse);
  }
};

}  // namespace pretext::inline v0_1
