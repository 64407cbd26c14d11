// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/gpu/batch_norm/apply.hpp>
#include <pretext/kernels/gpu/batch_norm/statistics.hpp>
#include <pretext/kernels/gpu/block/column_loop.hpp>

namespace pretext::inline v0_1::grid {

/// The gradient before a ReLU. The ReLU's output is y or, if y is null, recomputed as x·scale + shift.
template <class T, class W>
struct relu_gradient {
  std::size_t channels;
  const T* dy;
  bool relu;
  const T *y, *x;
  const W *scale, *shift;

  /// Scale and shift of N channels, from which the output is recomputed.
  template <unsigned N>
  struct affine {
    vec<W, N> factor, offset;
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE affine<N> affine_of(std::size_t channel) const {
    return {load<N>(scale + channel), load<N>(shift + channel)};
  }
  PRETEXT_HOST_DEVICE bool recomputes() const { return relu && !y; }

  /// At element i, where `get_affine()` returns scale and shift; it is called if the output is recomputed.
  template <unsigned N, class Affine>
  PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> at(std::size_t i, const Affine& get_affine) const {
    auto d = load<N>(dy + i);
    if (!relu) return d;
    auto output = load<N>((y ? y : x) + i);
    if (!y) {
      const auto of = get_affine();
      for (unsigned k = 0; k < N; ++k) output[k] = output[k] * of.factor[k] + of.offset[k];
    }
    for (unsigned k = 0; k < N; ++k) d[k] = output[k] > 0 ? d[k] : 0;
    return d;
  }
};

/// g and g·(x - mean), whose column sums are the gradients of β and γ.
template <class T, class W>
struct gradient_moments {
  relu_gradient<T, W> g;
  const T* x;
  const W* mean;

  template <unsigned Width>
  struct of_column {
    relu_gradient<T, W> g;
    const T* x;
    typename relu_gradient<T, W>::template affine<Width> affine;
    vec<W, Width> centre;

    template <unsigned N>
    PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&terms)[2]) const {
      const std::size_t i = r * g.channels + c;
      terms[0] = g.template at<N>(i, [&] { return affine; });
      const auto from = load<N>(x + i);
      for (unsigned k = 0; k < N; ++k) terms[1][k] = terms[0][k] * (from[k] - centre[k]);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t group, std::size_t c) const {
    const std::size_t at = group * g.channels + c;
    of_column<N> of{g, x, {}, load<N>(mean + at)};
    if (g.recomputes()) of.affine = g.template affine_of<N>(at);
    return of;
  }
};

/// Converts these sums to dγ, dβ and the three coefficients per channel from which dx is computed.
template <class W>
struct finish_gradient {
  std::size_t channels, part;
  const W *inverse, *gamma;
  W *dgamma, *dbeta, *coefficient_table;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const double scale = static_cast<double>(inverse[group * channels + c]),
                 count = static_cast<double>(part);
    const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
    if (dgamma) dgamma[c] += static_cast<W>(sums[1] * scale);
    if (dbeta) dbeta[c] += static_cast<W>(sums[0]);
    W* const coefficients = coefficient_table + 3 * group * channels;
    coefficients[c] = static_cast<W>(weight * scale);
    coefficients[channels + c] = static_cast<W>(weight * scale * scale * scale * sums[1] / count);
    coefficients[2 * channels + c] = static_cast<W>(weight * scale * sums[0] / count);
  }
};

/// dx = g·a - (x - mean)·b - d, and dshortcut = g if it is not null; each may alias its source.
template <class T, class W>
struct input_gradient {
  relu_gradient<T, W> g;
  const T* x;
  const W *mean, *coefficient_table;
  T *dx, *dshortcut;

  template <unsigned N>
  struct of_column {
    relu_gradient<T, W> g;
    const T* x;
    T *dx, *dshortcut;
    typename relu_gradient<T, W>::template affine<N> affine;
    vec<W, N> centre, a, b, d;

    struct element {
      vec<arithmetic<T>, N> relu_grad, from;
    };
    PRETEXT_HOST_DEVICE element read(std::size_t i) const {
      return {g.template at<N>(i, [&] { return affine; }), load<N>(x + i)};
    }
    PRETEXT_HOST_DEVICE void write(std::size_t i, const element& of) const {
      vec<arithmetic<T>, N> gradient;
      for (unsigned k = 0; k < N; ++k)
        gradient[k] = of.relu_grad[k] * a[k] - (of.from[k] - centre[k]) * b[k] - d[k];
      if (dshortcut) store<N>(dshortcut + i, of.relu_grad);
      store<N>(dx + i, gradient);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t group, std::size_t c) const {
    const std::size_t at = group * g.channels + c;
    const W* const coefficients = coefficient_table + 3 * group * g.channels + c;
    of_column<N> of{g,
                    x,
                    dx,
                    dshortcut,
                    {},
                    load<N>(mean + at),
                    load<N>(coefficients),
                    load<N>(coefficients + g.channels),
                    load<N>(coefficients + 2 * g.channels)};
    if (g.recomputes()) of.affine = g.template affine_of<N>(at);
    return of;
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Matrices (rows, channels) have type T; values per channel have type W.
template <Accelerator Device>
struct batch_norm<Device> {
  template <class Context, class T, class W>
  static void statistics(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                         const T* x, W epsilon, W* mean, W* inverse, W momentum, W* running_mean,
                         W* running_variance) {
    const grid::moments<T> term{channels, rows / groups, x};
    grid::sum_columns<T, 2>(context, rows, channels, groups, {x}, term,
                            grid::finish_statistics<T, W>{term, epsilon, momentum, mean, inverse,
                                                          running_mean, running_variance});
  }

  template <class Context, class W>
  static void fold(Context& context, std::size_t channels, std::size_t groups, const W* mean,
                   const W* inverse, const W* gamma, const W* beta, W* scale, W* shift) {
    grid::parallel_for(context, groups * channels,
                       grid::fold_statistics<W>{channels, mean, inverse, gamma, beta, scale, shift});
  }

  template <class Context, class W>
  static void fold_running(Context& context, std::size_t channels, const W* mean, const W* variance,
                           W epsilon, const W* gamma, const W* beta, W* scale, W* shift) {
    grid::parallel_for(context, channels,
                       grid::fold_running_statistics<W>{mean, variance, gamma, beta, epsilon, scale, shift});
  }

  template <class Context, class T, class W>
  static void scale_columns(Context& context, std::size_t rows, std::size_t columns, const W* w,
                            const W* scale, T* scaled) {
    grid::parallel_for(context, rows * columns, grid::scale_by_column<T, W>{columns, w, scale, scaled});
  }

  template <class Context, class T, class W>
  static void apply(Context& context, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                    const W* scale, const W* shift, const T* shortcut, bool relu, T* y) {
    const grid::apply_batch_norm<T, W> work{channels, x, scale, shift, shortcut, relu, y};
    grid::for_each_column<T>(context, rows, channels, groups, {x, scale, shift, shortcut, y}, work);
  }

  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                       const T* dy, bool relu, const T* y, const T* x, const W* mean, const W* inverse,
                       const W* gamma, const W* beta, W* dgamma, W* dbeta, T* dx, T* dshortcut) {
    const arena_scope guard{context.workspace};
    W* const scale = context.workspace.template allocate<W>(groups * channels);
    W* const shift = context.workspace.template allocate<W>(groups * channels);
    W* const coefficient_table = context.workspace.template allocate<W>(3 * groups * channels);
    if (relu && !y) fold(context, channels, groups, mean, inverse, gamma, beta, scale, shift);
    const grid::relu_gradient<T, W> g{channels, dy, relu, y, x, scale, shift};
    grid::sum_columns<T, 2>(
        context, rows, channels, groups, {dy, y, x, mean}, grid::gradient_moments<T, W>{g, x, mean},
        grid::finish_gradient<W>{channels, rows / groups, inverse, gamma, dgamma, dbeta, coefficient_table});
    grid::for_each_column<T>(context, rows, channels, groups, {dy, y, x, mean, dx, dshortcut},
                             grid::input_gradient<T, W>{g, x, mean, coefficient_table, dx, dshortcut});
  }
};

}  // namespace pretext::inline v0_1::kernels
