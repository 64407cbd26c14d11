// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext::inline v0_1 {

/// y = max(0, x).
struct relu {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> y;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.y = y;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    if (!dx.data) return;
    kernels::relu<typename Context::device>::backward(context, dy.size(), cache.y.data, dy.data, dx.data);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    kernels::relu<typename Context::device>::forward(context, x.size(), x.data, y.data);
  }
};

}  // namespace pretext::inline v0_1
