// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

// The column sums of batch norm's backward pass, and what is computed from them.
namespace pretext::inline v0_1::grid {

/// The gradient before a ReLU. The signs of the ReLU's output are known, or the output is known, or it is
/// recomputed as x·scale + shift.
template <class T, class W>
struct relu_gradient {
  std::size_t channels;
  const T* dy;
  bool relu;
  kernels::relu_outputs<T> outputs;
  const T* x;
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
  PRETEXT_HOST_DEVICE bool recomputes() const { return relu && !outputs.y && !outputs.signs; }

  /// At element i, where `get_affine()` returns scale and shift; it is called if the output is recomputed.
  template <unsigned N, class Affine>
  PRETEXT_HOST_DEVICE vec<arithmetic<T>, N> at(std::size_t i, const Affine& get_affine) const {
    auto d = load<N>(dy + i);
    if (!relu) return d;
    if (outputs.signs) {
      const unsigned positive = unsigned{outputs.signs[i / lanes<T>]} >> i % lanes<T>;
      for (unsigned k = 0; k < N; ++k) d[k] = positive >> k & 1 ? d[k] : 0;
      return d;
    }
    auto output = load<N>((outputs.y ? outputs.y : x) + i);
    if (!outputs.y) {
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
  std::size_t channels, rows;  ///< rows of a group
  const W *inverse, *gamma;
  W *dgamma, *dbeta, *coefficient_table;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group, std::size_t c, const double (&sums)[2]) const {
    const double scale = scale_of(group, c), count = static_cast<double>(rows), weight = weight_of(c);
    add_affine(c, scale, sums);
    set_coefficients(group, c, scale, weight, count, sums);
  }

  PRETEXT_HOST_DEVICE double scale_of(std::size_t group, std::size_t c) const {
    return static_cast<double>(inverse[group * channels + c]);
  }
  PRETEXT_HOST_DEVICE double weight_of(std::size_t c) const {
    return gamma ? static_cast<double>(gamma[c]) : 1.0;
  }
  PRETEXT_HOST_DEVICE void add_affine(std::size_t c, double scale, const double (&sums)[2]) const {
    if (dgamma) dgamma[c] += static_cast<W>(sums[1] * scale);
    if (dbeta) dbeta[c] += static_cast<W>(sums[0]);
  }
  PRETEXT_HOST_DEVICE void set_coefficients(std::size_t group, std::size_t c, double scale, double weight,
                                            double count, const double (&sums)[2]) const {
    W* const coefficients = coefficient_table + 3 * group * channels;
    coefficients[c] = static_cast<W>(weight * scale);
    coefficients[channels + c] = static_cast<W>(weight * scale * scale * scale * sums[1] / count);
    coefficients[2 * channels + c] = static_cast<W>(weight * scale * sums[0] / count);
  }
};

}  // namespace pretext::inline v0_1::grid
