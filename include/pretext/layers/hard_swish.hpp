// SPDX-License-Identifier: MIT
#pragma once
// The piecewise activations of mobile networks, which compute no exponential.
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/layers/detail/arithmetic_type.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Work of `for_each_row`: Function::value of each of the `columns` values of a row.
template <class Function, class T>
struct apply_row {
  std::size_t columns;
  const T* x;
  T* y;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    const std::size_t first = row * columns;
    team.each(columns, [&](std::size_t c) {
      y[first + c] = static_cast<T>(Function::value(static_cast<arithmetic_type<T>>(x[first + c])));
    });
  }
};

/// The gradient of `apply_row`: dy times Function::slope of what the function keeps for it. dx may be dy.
template <class Function, class T>
struct apply_row_gradient {
  std::size_t columns;
  const T *kept, *dy;
  T* dx;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    using R = arithmetic_type<T>;
    const std::size_t first = row * columns;
    team.each(columns, [&](std::size_t c) {
      const std::size_t i = first + c;
      dx[i] = static_cast<T>(static_cast<R>(dy[i]) * Function::slope(static_cast<R>(kept[i])));
    });
  }
};

/// What a layer keeps for its gradient.
enum class kept_value { input, output };

/// A layer without parameters that applies Function::value to each value; Function::slope is the derivative,
/// as a function of what is kept.
template <class Function, kept_value Kept>
struct pointwise_layer {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> kept;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    infer(context, w, x, y);
    if constexpr (Kept == kept_value::input)
      cache.kept = x;
    else
      cache.kept = y;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    if (!dx.data) return;
    kernels::for_each_row<typename Context::device>::run(
        context, dy.batch * position_count<In>,
        apply_row_gradient<Function, T>{channels_of<In>, cache.kept.data, dy.data, dx.data});
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, In> y) {
    kernels::for_each_row<typename Context::device>::run(
        context, x.batch * position_count<In>,
        apply_row<Function, typename Context::activation>{channels_of<In>, x.data, y.data});
  }
};

}  // namespace detail

/// y = x·min(max(x + 3, 0), 6)/6, an approximation of x·sigmoid(x) (Howard et al. 2019, §5.2); NaN stays NaN.
struct hard_swish : detail::pointwise_layer<hard_swish, detail::kept_value::input> {
  /// The function of one value.
  template <class R>
  PRETEXT_HOST_DEVICE static R value(R x) {
    return x <= -3 ? R{0} : x >= 3 ? x : x * (x + 3) / 6;
  }
  /// Its derivative at x.
  template <class R>
  PRETEXT_HOST_DEVICE static R slope(R x) {
    return x <= -3 ? R{0} : x >= 3 ? R{1} : (2 * x + 3) / 6;
  }
};

/// y = min(max(x + 3, 0), 6)/6, an approximation of the sigmoid (Howard et al. 2019, §5.2); NaN stays NaN.
struct hard_sigmoid : detail::pointwise_layer<hard_sigmoid, detail::kept_value::output> {
  /// The function of one value.
  template <class R>
  PRETEXT_HOST_DEVICE static R value(R x) {
    return x <= -3 ? R{0} : x >= 3 ? R{1} : (x + 3) / 6;
  }
  /// Its derivative, by its value y.
  template <class R>
  PRETEXT_HOST_DEVICE static R slope(R y) {
    return y > 0 && y < 1 ? R{1} / 6 : R{0};
  }
};

}  // namespace pretext::inline v0_1
