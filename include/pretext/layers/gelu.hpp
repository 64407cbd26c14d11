// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/gelu.hpp>

namespace pretext::inline v0_1 {

/// y = x·Φ(x) (Hendrycks & Gimpel 2016), exactly: with the error function, not its approximation by tanh.
struct gelu {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> kept;  ///< what the device's backward pass needs: x, or the derivative there
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    using T = typename Context::activation;
    if constexpr (kernels::gelu<typename Context::device>::keeps_input) {
      run(context, x, y, static_cast<T*>(nullptr));
      cache.kept = x;
    } else {
      const auto kept = context.activations.template allocate<T, In>(x.batch);
      run(context, x, y, kept.data);
      cache.kept = kept;
    }
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    if (!dx.data) return;
    using W = typename Context::weight;
    kernels::gelu<typename Context::device>::backward(context, dy.batch * position_count<In>, channels_of<In>,
                                                      cache.kept.data, static_cast<const W*>(nullptr),
                                                      dy.data, dx.data, static_cast<W*>(nullptr));
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    run(context, x, y, static_cast<typename Context::activation*>(nullptr));
  }

 private:
  template <class Context, Shape In, class T>
  static void run(Context& context, reads<Context, In> x, writes<Context, In> y, T* kept) {
    kernels::gelu<typename Context::device>::forward(
        context, x.batch * position_count<In>, channels_of<In>, x.data,
        static_cast<const typename Context::weight*>(nullptr), y.data, kept);
  }
};

}  // namespace pretext::inline v0_1
