// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/gpu/batch_norm/apply.hpp>
#include <pretext/kernels/gpu/batch_norm/gradient_sums.hpp>
#include <pretext/kernels/gpu/batch_norm/join_shards.hpp>
#include <pretext/kernels/gpu/batch_norm/statistics.hpp>
#include <pretext/kernels/gpu/block/column_loop.hpp>

namespace pretext::inline v0_1::grid {

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

/// Matrices (rows, channels) have type T; values per channel have type W. With a communicator, statistics and
/// sums are those of the rows of all shards (synchronised batch norm).
template <Accelerator Device>
struct batch_norm<Device> {
  static constexpr bool stores_signs = true;

  template <class Context, class T, class W>
  static void statistics(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                         const T* x, const norm_parameters<W>& parameters, const channel_norms<W>& norms) {
    const std::size_t part = rows / groups, shards = distributed::shards_of(context);
    const grid::moments<T> term{channels, part, x};
    const grid::batch_statistics<W> to{parameters, norms};
    if (!context.communicator)
      return grid::sum_columns<T, 2>(context, rows, channels, groups, {x}, term,
                                     grid::finish_statistics<T, W>{term, to});
    const arena_scope guard{context.workspace};
    const std::size_t values = groups * channels;
    double* const own = context.workspace.template allocate<double>(2 * values);
    grid::sum_columns<T, 2>(context, rows, channels, groups, {x}, term,
                            grid::store_moments<T>{term, values, own});
    const double* const all = grid::gather_doubles(context, own, 2 * values);
    grid::parallel_for(context, channels,
                       grid::join_moments<W>{shards, groups, channels, part * shards, all, to});
  }

  template <class Context, class W>
  static void statistics_of_sums(Context& context, std::size_t rows, std::size_t channels, const W* sums,
                                 const norm_parameters<W>& parameters, const channel_norms<W>& norms) {
    grid::parallel_for(context, channels, grid::finish_sums<W>{rows, channels, sums, {parameters, norms}});
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
    launch_apply<T, W>(context, rows, groups, {channels, x, scale, shift, shortcut, relu, y, nullptr});
  }

  template <class T>
  static std::size_t sign_bytes(std::size_t rows, std::size_t channels) {
    return rows * channels / grid::lanes<T>;
  }

  /// The signs are written where all rows are aligned.
  template <class Context, class T, class W>
  static bool apply_with_signs(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                               const T* x, const W* scale, const W* shift, const T* shortcut, T* y,
                               std::uint8_t* signs) {
    const bool written = grid::is_vectorizable<T>(channels, {x, scale, shift, shortcut, y});
    launch_apply<T, W>(context, rows, groups,
                       {channels, x, scale, shift, shortcut, true, y, written ? signs : nullptr});
    return written;
  }

  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                       const T* dy, bool relu, const relu_outputs<T>& outputs, const T* x,
                       const channel_norms<W>& norms, const W* gamma, W* dgamma, W* dbeta, T* dx,
                       T* dshortcut) {
    const T* const y = outputs.y;
    const arena_scope guard{context.workspace};
    W* const coefficient_table = context.workspace.template allocate<W>(3 * groups * channels);
    const W *const mean = norms.mean, *const inverse = norms.inverse;
    const grid::relu_gradient<T, W> g{channels, dy, relu, outputs, x, norms.scale, norms.shift};
    const std::size_t values = groups * channels, shards = distributed::shards_of(context);
    const grid::gradient_moments<T, W> term{g, x, mean};
    const grid::finish_gradient<W> finish{channels, rows / groups * shards, inverse, gamma, dgamma,
                                          dbeta,    coefficient_table};
    if (!context.communicator) {
      grid::sum_columns<T, 2>(context, rows, channels, groups, {dy, y, x, mean}, term, finish);
    } else {
      double* const own = context.workspace.template allocate<double>(2 * values);
      grid::sum_columns<T, 2>(context, rows, channels, groups, {dy, y, x, mean}, term,
                              grid::store_gradient_sums<W>{values, finish, own});
      const double* const all = grid::gather_doubles(context, own, 2 * values);
      grid::parallel_for(context, channels, grid::join_gradient_sums<W>{shards, groups, all, finish});
    }
    grid::for_each_column<T>(context, rows, channels, groups, {dy, y, x, mean, dx, dshortcut},
                             grid::input_gradient<T, W>{g, x, mean, coefficient_table, dx, dshortcut});
  }

 private:
  template <class T, class W, class Context>
  static void launch_apply(Context& context, std::size_t rows, std::size_t groups,
                           const grid::apply_batch_norm<T, W>& work) {
    grid::for_each_column<T>(context, rows, work.channels, groups,
                             {work.x, work.scale, work.shift, work.shortcut, work.y}, work);
  }
};

}  // namespace pretext::inline v0_1::kernels
