// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/gpu/block/column_loop.hpp>

namespace pretext::inline v0_1::grid {

/// y = x·scale + shift (+ shortcut), with ReLU if `relu`; `signs` has a byte for each vector of y, a bit for
/// each number, or is null.
template <class T, class W>
struct apply_batch_norm {
  std::size_t channels;
  const T* x;
  const W *scale, *shift;
  const T* shortcut;
  bool relu;
  T* y;
  std::uint8_t* signs;

  template <unsigned N>
  struct of_column {
    const T *x, *shortcut;
    bool scaled, relu;
    T* y;
    std::uint8_t* signs;
    vec<W, N> factor, offset;

    struct element {
      vec<arithmetic<T>, N> value, addend;
    };
    PRETEXT_HOST_DEVICE element read(std::size_t i) const {
      element of{load<N>(x + i), {}};
      if (shortcut) of.addend = load<N>(shortcut + i);
      return of;
    }
    PRETEXT_HOST_DEVICE void write(std::size_t i, element of) const {
      auto& value = of.value;
      if (scaled)
        for (unsigned k = 0; k < N; ++k) value[k] *= factor[k];
      for (unsigned k = 0; k < N; ++k) value[k] += offset[k];
      if (shortcut)
        for (unsigned k = 0; k < N; ++k) value[k] += of.addend[k];
      for (unsigned k = 0; k < N; ++k) value[k] = relu && value[k] < 0 ? 0 : value[k];
      store<N>(y + i, value);
      if (!signs) return;
      unsigned positive = 0;
      for (unsigned k = 0; k < N; ++k) positive |= unsigned{value[k] > 0} << k;
      signs[i / N] = static_cast<std::uint8_t>(positive);
    }
  };
  template <unsigned N>
  PRETEXT_HOST_DEVICE of_column<N> in_column(std::size_t group, std::size_t c) const {
    const std::size_t at = group * channels + c;
    of_column<N> of{x, shortcut, scale != nullptr, relu, y, signs, {}, load<N>(shift + at)};
    if (scale) of.factor = load<N>(scale + at);
    return of;
  }
};

}  // namespace pretext::inline v0_1::grid
