#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/cuda/column_sums.hpp>

namespace pretext::grid {

/// x and its square about the first row of each group: sums of these lose no digits to a large mean.
template <class T>
struct moments {
  std::size_t channels, part;
  const T* x;

  PRETEXT_HOST_DEVICE T origin(std::size_t group, std::size_t c) const {
    return x[group * part * channels + c];
  }
  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, T (&terms)[2]) const {
    const T d = x[r * channels + c] - origin(r / part, c);
    terms[0] = d;
    terms[1] = d * d;
  }
};

/// From the moments to mean and 1/√(variance + ε); running statistics take part in each group's.
template <class T>
struct finish_statistics {
  moments<T> of;
  T epsilon, momentum;
  T *mean, *inverse, *running_mean, *running_variance;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const double count = static_cast<double>(of.part), shift = sums[0] / count;
    const double spread = sums[1] / count - shift * shift, variance = spread > 0 ? spread : 0;
    const double average = static_cast<double>(of.origin(group, c)) + shift;
    mean[group * of.channels + c] = static_cast<T>(average);
    inverse[group * of.channels + c] = static_cast<T>(1 / std::sqrt(variance + static_cast<double>(epsilon)));
    if (!running_mean) return;
    const double unbiased = of.part > 1 ? variance * count / (count - 1) : variance;
    running_mean[c] += momentum * (static_cast<T>(average) - running_mean[c]);
    running_variance[c] += momentum * (static_cast<T>(unbiased) - running_variance[c]);
  }
};

template <class T>
struct fold_statistics {
  std::size_t channels;
  const T *mean, *inverse, *gamma, *beta;
  T *scale, *shift;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const T by = inverse[i] * (gamma ? gamma[i % channels] : T{1});
    scale[i] = by;
    shift[i] = (beta ? beta[i % channels] : T{0}) - mean[i] * by;
  }
};

template <class T>
struct fold_running_statistics {
  const T *mean, *variance, *gamma, *beta;
  T epsilon;
  T *scale, *shift;

  PRETEXT_HOST_DEVICE void operator()(std::size_t c) const {
    const T by = (gamma ? gamma[c] : T{1}) / std::sqrt(variance[c] + epsilon);
    scale[c] = by;
    shift[c] = (beta ? beta[c] : T{0}) - mean[c] * by;
  }
};

template <class T>
struct scale_by_column {
  std::size_t columns;
  const T *w, *scale;
  T* scaled;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const { scaled[i] = w[i] * scale[i % columns]; }
};

/// y = x·scale + shift (+ shortcut), rectified if asked.
template <class T>
struct apply_normalisation {
  std::size_t channels, part;
  const T *x, *scale, *shift, *shortcut;
  bool relu;
  T* y;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t at = i / channels / part * channels + i % channels;
    T value = scale ? x[i] * scale[at] + shift[at] : x[i] + shift[at];
    if (shortcut) value += shortcut[i];
    y[i] = relu && value < T{0} ? T{0} : value;
  }
};

/// The gradient behind a ReLU: where its output y was positive, or, where that is null, x·scale + shift.
template <class T>
struct rectified_gradient {
  std::size_t channels, part;
  const T* dy;
  bool relu;
  const T *y, *x, *scale, *shift;

  PRETEXT_HOST_DEVICE T operator()(std::size_t i) const {
    if (!relu) return dy[i];
    const std::size_t at = i / channels / part * channels + i % channels;
    const T output = y ? y[i] : x[i] * scale[at] + shift[at];
    return output > T{0} ? dy[i] : T{0};
  }
};

/// g and g·(x - mean), of which the gradients of β and γ are sums.
template <class T>
struct gradient_moments {
  rectified_gradient<T> g;
  const T *x, *mean;

  PRETEXT_HOST_DEVICE void operator()(std::size_t r, std::size_t c, T (&terms)[2]) const {
    const std::size_t at = r * g.channels + c;
    terms[0] = g(at);
    terms[1] = terms[0] * (x[at] - mean[r / g.part * g.channels + c]);
  }
};

/// From their sums to dγ, dβ and the three numbers per channel that dx is made of.
template <class T>
struct finish_gradient {
  std::size_t channels, part;
  const T *inverse, *gamma;
  T *dgamma, *dbeta, *slope;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const double scale = static_cast<double>(inverse[group * channels + c]),
                 count = static_cast<double>(part);
    const double weight = gamma ? static_cast<double>(gamma[c]) : 1.0;
    if (dgamma) dgamma[c] += static_cast<T>(sums[1] * scale);
    if (dbeta) dbeta[c] += static_cast<T>(sums[0]);
    T* const three = slope + 3 * group * channels;
    three[c] = static_cast<T>(weight * scale);
    three[channels + c] = static_cast<T>(weight * scale * scale * scale * sums[1] / count);
    three[2 * channels + c] = static_cast<T>(weight * scale * sums[0] / count);
  }
};

/// dx = g·a - (x - mean)·b - d, and dshortcut = g if asked; each may lie where what it is made of does.
template <class T>
struct pass_gradient {
  rectified_gradient<T> g;
  const T *x, *mean, *slope;
  T *dx, *dshortcut;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t channels = g.channels, group = i / channels / g.part, c = i % channels;
    const T* const a = slope + 3 * group * channels;
    const T own = g(i), away = x[i] - mean[group * channels + c];
    if (dshortcut) dshortcut[i] = own;
    dx[i] = own * a[c] - away * a[channels + c] - a[2 * channels + c];
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct batch_norm<Device> {
  template <class Place, class T>
  static void statistics(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                         T epsilon, T* mean, T* inverse, T momentum, T* running_mean, T* running_variance) {
    const grid::moments<T> term{channels, rows / groups, x};
    grid::sum_columns<T, 2>(
        place, {rows, channels, groups}, term,
        grid::finish_statistics<T>{term, epsilon, momentum, mean, inverse, running_mean, running_variance});
  }

  template <class Place, class T>
  static void fold(Place& place, std::size_t channels, std::size_t groups, const T* mean, const T* inverse,
                   const T* gamma, const T* beta, T* scale, T* shift) {
    grid::each_number(place, groups * channels,
                      grid::fold_statistics<T>{channels, mean, inverse, gamma, beta, scale, shift});
  }

  template <class Place, class T>
  static void running(Place& place, std::size_t channels, const T* mean, const T* variance, T epsilon,
                      const T* gamma, const T* beta, T* scale, T* shift) {
    grid::each_number(place, channels,
                      grid::fold_running_statistics<T>{mean, variance, gamma, beta, epsilon, scale, shift});
  }

  template <class Place, class T>
  static void scale_columns(Place& place, std::size_t rows, std::size_t columns, const T* w, const T* scale,
                            T* scaled) {
    grid::each_number(place, rows * columns, grid::scale_by_column<T>{columns, w, scale, scaled});
  }

  template <class Place, class T>
  static void apply(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* x,
                    const T* scale, const T* shift, const T* shortcut, bool relu, T* y) {
    grid::each_number(
        place, rows * channels,
        grid::apply_normalisation<T>{channels, rows / groups, x, scale, shift, shortcut, relu, y});
  }

  template <class Place, class T>
  static void backward(Place& place, std::size_t rows, std::size_t channels, std::size_t groups, const T* dy,
                       bool relu, const T* y, const T* x, const T* mean, const T* inverse, const T* gamma,
                       const T* beta, T* dgamma, T* dbeta, T* dx, T* dshortcut) {
    const std::size_t part = rows / groups;
    const borrowed guard{place.scratch};
    T* const scale = place.scratch.template take<T>(groups * channels);
    T* const shift = place.scratch.template take<T>(groups * channels);
    T* const slope = place.scratch.template take<T>(3 * groups * channels);
    if (relu && !y) fold(place, channels, groups, mean, inverse, gamma, beta, scale, shift);
    const grid::rectified_gradient<T> g{channels, part, dy, relu, y, x, scale, shift};
    grid::sum_columns<T, 2>(place, {rows, channels, groups}, grid::gradient_moments<T>{g, x, mean},
                            grid::finish_gradient<T>{channels, part, inverse, gamma, dgamma, dbeta, slope});
    grid::each_number(place, rows * channels, grid::pass_gradient<T>{g, x, mean, slope, dx, dshortcut});
  }
};

}  // namespace pretext::kernels
