// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/layers/begin_step.hpp>

namespace pretext::inline v0_1 {

/// y = x + Body(x). It adds nothing to the paths of the body's parameters.
template <class Body>
struct residual {
  template <Shape In>
    requires std::same_as<output_of<Body, In>, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return Body::template parameters<In>();
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<Body, In>;
  }

  template <Shape In, class Context>
  struct cache {
    cache_of<Body, In, Context> body;
  };

  template <Shape In, class Context>
  static void begin_step(Context& context, typename Context::weight* value) {
    pretext::begin_step<Body, In>(context, value);
  }

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    // Not `y`: the body's cache may refer to its output, which the sum must not overwrite.
    const auto branch = context.activations.template allocate<typename Context::activation, In>(x.batch);
    Body::forward(context, w, x, branch, cache.body);
    add(context, x, branch, y);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    Body::backward(context, w, cache.body, dy, dx);
    if (dx.data)
      kernels::elementwise<typename Context::device>::axpy(context, dy.size(), typename Context::weight{1},
                                                           dy.data, dx.data);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    const arena_scope guard{context.workspace};
    const auto branch = context.workspace.template allocate<typename Context::activation, In>(x.batch);
    Body::infer(context, w, x, branch);
    add(context, x, branch, y);
  }

 private:
  template <class Context, Shape In>
  static void add(Context& context, reads<Context, In> x, writes<Context, In> branch, writes<Context, In> y) {
    using elementwise = kernels::elementwise<typename Context::device>;
    elementwise::copy(context, x.size(), x.data, y.data);
    elementwise::axpy(context, x.size(), typename Context::weight{1}, branch.data, y.data);
  }
};

}  // namespace pretext::inline v0_1
