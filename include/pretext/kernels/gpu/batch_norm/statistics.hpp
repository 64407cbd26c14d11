// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/gpu/block/column_sums.hpp>

// Per-channel statistics of batch norm, and the scale and shift computed from them.
namespace pretext::inline v0_1::grid {

/// Of the rows of a channel.
struct mean_and_variance {
  double mean, variance;
};

/// x and x² relative to the first row of each group; a large mean then costs these sums no precision.
template <class T>
struct moments {
  using R = arithmetic<T>;
  std::size_t channels, part;
  const T* x;

  template <unsigned N>
  PRETEXT_HOST_DEVICE vec<R, N> origin(std::size_t group, std::size_t c) const {
    return load<N>(x + group * part * channels + c);
  }

  template <unsigned Width>
  struct of_column {
    std::size_t channels;
    const T* x;
    vec<R, Width> from;

    template <unsigned N>
    PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<R, N> (&terms)[2]) const {
      const auto d = load<N>(x + r * channels + c);
      for (unsigned k = 0; k < N; ++k) {
        terms[0][k] = d[k] - from[k];
        terms[1][k] = terms[0][k] * terms[0][k];
      }
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t group, std::size_t c) const {
    return {channels, x, origin<N>(group, c)};
  }

  /// From the sums over the rows of a group.
  PRETEXT_HOST_DEVICE mean_and_variance finish(std::size_t group, std::size_t c,
                                               const double (&sums)[2]) const {
    const double count = static_cast<double>(part), shift = sums[0] / count;
    const double second_moment = sums[1] / count - shift * shift;
    return {static_cast<double>(origin<1>(group, c)[0]) + shift, second_moment > 0 ? second_moment : 0};
  }
};

/// Where the statistics of a batch are stored.
template <class W>
struct batch_statistics {
  kernels::norm_parameters<W> parameters;
  kernels::channel_norms<W> to;

  /// Stores what the mean and variance of the rows of a group determine, and updates the running statistics;
  /// called with each group in order.
  PRETEXT_HOST_DEVICE void store(std::size_t channels, std::size_t rows, std::size_t group, std::size_t c,
                                 mean_and_variance found) const {
    const kernels::norm_parameters<W>& p = parameters;
    const double count = static_cast<double>(rows), variance = found.variance;
    const std::size_t at = group * channels + c;
    const W mean = static_cast<W>(found.mean),
            inverse = static_cast<W>(1 / std::sqrt(variance + static_cast<double>(p.epsilon))),
            scale = inverse * (p.gamma ? p.gamma[c] : W{1});
    to.mean[at] = mean;
    to.inverse[at] = inverse;
    to.scale[at] = scale;
    to.shift[at] = (p.beta ? p.beta[c] : W{0}) - mean * scale;
    if (!p.running_mean) return;
    const double unbiased = rows > 1 ? variance * count / (count - 1) : variance;
    p.running_mean[c] += p.momentum * (mean - p.running_mean[c]);
    p.running_variance[c] += p.momentum * (static_cast<W>(unbiased) - p.running_variance[c]);
  }
};

/// Converts the sums of `moments` to statistics.
template <class T, class W>
struct finish_statistics {
  moments<T> of;
  batch_statistics<W> to;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    to.store(of.channels, of.part, group, c, of.finish(group, c, sums));
  }
};

/// Converts the sums (2, channels) of x and x² over all rows to statistics. They are sums of floats: a mean
/// that is large next to the deviation costs them precision.
template <class W>
struct finish_sums {
  std::size_t rows, channels;
  const W* sums;
  batch_statistics<W> to;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const double count = static_cast<double>(rows), mean = static_cast<double>(sums[c]) / count,
                 variance = static_cast<double>(sums[channels + c]) / count - mean * mean;
    to.store(channels, rows, 0, c, {mean, variance > 0 ? variance : 0});
  }
};

/// scale = gamma/σ and shift = beta - mean·scale from running statistics.
template <class W>
struct fold_running_statistics {
  const W *mean, *variance, *gamma, *beta;
  W epsilon;
  W *scale, *shift;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const W factor = (gamma ? gamma[c] : W{1}) / std::sqrt(variance[c] + epsilon);
    scale[c] = factor;
    shift[c] = (beta ? beta[c] : W{0}) - mean[c] * factor;
  }
};

/// scaled = w·scale, column by column: folds batch norm into the weights before it.
template <class T, class W>
struct scale_by_column {
  std::size_t columns;
  const W *w, *scale;
  T* scaled;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    scaled[i] = static_cast<T>(w[i] * scale[i % columns]);
  }
};

}  // namespace pretext::inline v0_1::grid
