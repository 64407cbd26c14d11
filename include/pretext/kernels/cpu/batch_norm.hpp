// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/cpu/batch_norm/backward.hpp>
#include <pretext/kernels/cpu/batch_norm/blocked_moments.hpp>
#include <pretext/kernels/cpu/batch_norm/join_shards.hpp>
#include <pretext/kernels/cpu/batch_norm/rows.hpp>

namespace pretext::inline v0_1::kernels {

/// Statistics are sums over rows, so threads take blocks of rows whose count depends on the shape alone, and
/// partial sums are combined in order. The backward pass reads x and dy twice: for two sums per channel, and
/// for dx; the second pass visits the blocks in reverse, because the last ones are still in the cache. With a
/// communicator, statistics and sums are those of the rows of all shards (synchronised batch norm).
template <>
struct batch_norm<cpu> {
  template <class Context, class T>
  static void statistics(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                         const T* x, const norm_parameters<T>& parameters, const channel_norms<T>& to) {
    const arena_scope guard{context.workspace};
    const channel_moments found = allocate_moments(context, groups, channels);
    const std::size_t length = detail::block_rows_of(channels);
    const detail::blocked_moments<T> moments{context, &found, channels, rows, length};
    context.stream.for_each_run(rows, length, [&](std::size_t first, std::size_t last) {
      moments.add_rows(x, first, last, 0, channels, true);
    });
    moments.combine(context.stream);
    finalize(context, rows, channels, found, parameters, to);
  }

  template <class Context>
  static channel_moments allocate_moments(Context& context, std::size_t groups, std::size_t channels) {
    double* const memory = context.workspace.template allocate<double>(2 * groups * channels);
    return {groups, memory, memory + groups * channels};
  }

  template <class Context, class T>
  static void finalize(Context& context, std::size_t rows, std::size_t channels, const channel_moments& own,
                       const norm_parameters<T>& p, const channel_norms<T>& to) {
    const arena_scope guard{context.workspace};
    const channel_moments found =
        context.communicator ? detail::join_moments(context, own, channels, rows / own.groups) : own;
    const double count = static_cast<double>(rows / found.groups * distributed::shards_of(context));
    for (std::size_t group = 0; group < found.groups; ++group)
      for (std::size_t c = 0; c < channels; ++c) {
        const std::size_t at = group * channels + c;
        const double variance = std::max(0.0, found.deviations[at] / count);
        to.mean[at] = static_cast<T>(found.mean[at]);
        to.inverse[at] = static_cast<T>(1 / std::sqrt(variance + static_cast<double>(p.epsilon)));
        to.scale[at] = to.inverse[at] * (p.gamma ? p.gamma[c] : T{1});
        to.shift[at] = (p.beta ? p.beta[c] : T{0}) - to.mean[at] * to.scale[at];
        if (!p.running_mean) continue;
        const double unbiased = count > 1 ? variance * count / (count - 1) : variance;
        p.running_mean[c] += p.momentum * (to.mean[at] - p.running_mean[c]);
        p.running_variance[c] += p.momentum * (static_cast<T>(unbiased) - p.running_variance[c]);
      }
  }

  template <class Context, class T>
  static void fold_running(Context&, std::size_t channels, const T* mean, const T* variance, T epsilon,
                           const T* gamma, const T* beta, T* scale, T* shift) {
    for (std::size_t c = 0; c < channels; ++c) {
      scale[c] = (gamma ? gamma[c] : T{1}) / std::sqrt(variance[c] + epsilon);
      shift[c] = (beta ? beta[c] : T{0}) - mean[c] * scale[c];
    }
  }

  template <class Context, class T>
  static void scale_columns(Context&, std::size_t rows, std::size_t columns, const T* w, const T* scale,
                            T* scaled) {
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) scaled[r * columns + c] = w[r * columns + c] * scale[c];
  }

  template <class Context, class T>
  static void apply(Context& context, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                    const T* scale, const T* shift, const T* shortcut, bool relu, T* y) {
    const T floor = relu ? T{0} : -pretext::detail::infinity<T>;
    detail::for_each_row(context, rows / groups, channels, groups, [=](std::size_t group, std::size_t r) {
      detail::scale_and_shift(channels, x + r * channels, scale ? scale + group * channels : nullptr,
                              shift + group * channels, shortcut ? shortcut + r * channels : nullptr, floor,
                              y + r * channels);
    });
  }

  template <class Context, class T>
  static void backward(Context& context, std::size_t rows, std::size_t channels, std::size_t groups,
                       const T* dy, bool relu, const relu_outputs<T>& outputs, const T* x,
                       const channel_norms<T>& norms, const T* gamma, T* dgamma, T* dbeta, T* dx,
                       T* dshortcut) {
    const arena_scope guard{context.workspace};
    const detail::backward_inputs<T> in{rows / groups, channels,    groups,     dy, outputs.y, x,
                                        norms.mean,    norms.scale, norms.shift};
    const T* const inverse = norms.inverse;
    if (!relu)
      backward<detail::relu_mask::none>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
    else if (outputs.y)
      backward<detail::relu_mask::from_output>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
    else
      backward<detail::relu_mask::from_input>(context, in, inverse, gamma, dgamma, dbeta, dx, dshortcut);
  }

 private:
  template <detail::relu_mask Mask, class Context, class T>
  static void backward(Context& context, const detail::backward_inputs<T>& in, const T* inverse,
                       const T* gamma, T* dgamma, T* dbeta, T* dx, T* dshortcut) {
    const double* own = detail::gradient_sums<Mask>(context, in);
    detail::add_affine_gradients(in.channels, in.groups, own, inverse, dgamma, dbeta);
    const double* sums =
        context.communicator ? detail::join_sums(context, own, 2 * in.groups * in.channels) : own;
    const T* slope = detail::backward_slopes(context, in.group_rows * distributed::shards_of(context),
                                             in.channels, in.groups, sums, inverse, gamma);
    detail::for_each_row(context, in.group_rows, in.channels, in.groups,
                         [=](std::size_t group, std::size_t row) {
                           in.template write<Mask>(group, row, slope, dx, dshortcut);
                         });
  }
};

}  // namespace pretext::inline v0_1::kernels
