// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/l2_normalize.hpp>

namespace pretext::inline v0_1 {

/// y = x/max(‖x‖, 1e-12) over the last extent at each position, as torch's `normalize`.
struct l2_normalize {
  template <Shape In>
  using output = In;

  template <Shape In>
  static constexpr bool dx_may_alias_dy = true;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    const double* factor = nullptr;  ///< 1/max(‖x‖, 1e-12) of each position
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    double* const factor = context.activations.template allocate<double>(x.batch * position_count<In>);
    run(context, x, y, factor);
    cache = {x, factor};
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    if (!dx.data) return;
    kernels::for_each_row<typename Context::device>::run(
        context, dy.batch * position_count<In>,
        kernels::detail::normalise_rows_gradient<T, T, T>{channels_of<In>, 1, cache.x.data, dy.data,
                                                          cache.factor, dx.data,
                                                          kernels::write_mode::overwrite, largest});
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    run(context, x, y, nullptr);
  }

 private:
  static constexpr double largest = kernels::detail::torch_max_inverse_norm;

  template <class Context, Shape In>
  static void run(Context& context, reads<Context, In> x, writes<Context, In> y, double* factor) {
    using T = typename Context::activation;
    kernels::for_each_row<typename Context::device>::run(
        context, x.batch * position_count<In>,
        kernels::detail::normalise_rows<T, T>{channels_of<In>, x.data, y.data, factor, largest});
  }
};

}  // namespace pretext::inline v0_1
