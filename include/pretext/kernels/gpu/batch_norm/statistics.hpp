#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/block/column_sums.hpp>

// What batch norm knows of each channel: its moments, and the scale and shift they become.
namespace pretext::grid {

/// Where the statistics of number `i` of (rows, channels) stand, which are (groups, channels).
struct statistic_of {
  std::size_t channels, part;  ///< part: rows of a group
  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    return i / channels / part * channels + i % channels;
  }
};

/// x and its square about the first row of each group: sums of these lose no digits to a large mean.
template <class T>
struct moments {
  using R = arithmetic<T>;
  std::size_t channels, part;
  const T* x;

  template <unsigned N>
  PRETEXT_HOST_DEVICE vec<R, N> origin(std::size_t group, std::size_t c) const {
    return load<N>(x + group * part * channels + c);
  }
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<R, N> (&terms)[2]) const {
    const auto d = load<N>(x + r * channels + c), from = origin<N>(r / part, c);
    for (unsigned k = 0; k < N; ++k) {
      terms[0][k] = d[k] - from[k];
      terms[1][k] = terms[0][k] * terms[0][k];
    }
  }
};

/// From the moments to mean and 1/√(variance + ε); running statistics take part in each group's.
template <class T, class W>
struct finish_statistics {
  moments<T> of;
  W epsilon, momentum;
  W *mean, *inverse, *running_mean, *running_variance;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const double count = static_cast<double>(of.part), shift = sums[0] / count;
    const double spread = sums[1] / count - shift * shift, variance = spread > 0 ? spread : 0;
    const double average = static_cast<double>(of.template origin<1>(group, c)[0]) + shift;
    mean[group * of.channels + c] = static_cast<W>(average);
    inverse[group * of.channels + c] = static_cast<W>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
    if (!running_mean) return;
    const double unbiased = of.part > 1 ? variance * count / (count - 1) : variance;
    running_mean[c] += momentum * (static_cast<W>(average) - running_mean[c]);
    running_variance[c] += momentum * (static_cast<W>(unbiased) - running_variance[c]);
  }
};

template <class W>
struct fold_statistics {
  std::size_t channels;
  const W *mean, *inverse, *gamma, *beta;
  W *scale, *shift;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const W by = inverse[i] * (gamma ? gamma[i % channels] : W{1});
    scale[i] = by;
    shift[i] = (beta ? beta[i % channels] : W{0}) - mean[i] * by;
  }
};

template <class W>
struct fold_running_statistics {
  const W *mean, *variance, *gamma, *beta;
  W epsilon;
  W *scale, *shift;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const W by = (gamma ? gamma[c] : W{1}) / std::sqrt(variance[c] + epsilon);
    scale[c] = by;
    shift[c] = (beta ? beta[c] : W{0}) - mean[c] * by;
  }
};

template <class T, class W>
struct scale_by_column {
  std::size_t columns;
  const W *w, *scale;
  T* scaled;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    scaled[i] = static_cast<T>(w[i] * scale[i % columns]);
  }
};

}  // namespace pretext::grid
