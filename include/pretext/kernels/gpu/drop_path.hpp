// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/kernels/drop_path.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

namespace pretext::inline v0_1::grid {

/// The scale of each sample's residual branch: 0 if dropped, else 1/(1 - rate).
template <class W>
struct draw_branch_scale {
  sample_keys keys;
  std::uint32_t draw;
  double rate;
  W* factor;
  PRETEXT_HOST_DEVICE void operator()(std::size_t n) const {
    factor[n] = static_cast<W>(kernels::path_factor(keys(n), draw, rate));
  }
};
/// dbranch = dy times the scale of its sample.
template <class T, class W>
struct scale_samples {
  std::size_t elements;
  const W* factor;
  const T* dy;
  T* dbranch;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const W s = factor[i / elements];
    auto d = load<N>(dy + i);
    for (unsigned k = 0; k < N; ++k) d[k] *= s;
    store<N>(dbranch + i, d);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Draws one scale per sample from its random key, as on the CPU.
template <Accelerator Device>
struct drop_path<Device> {
  template <class Context, class W>
  static void run(Context& context, const sample_keys& keys, std::size_t batch, std::uint32_t draw,
                  double rate, W* factor) {
    grid::parallel_for(context, batch, grid::draw_branch_scale<W>{keys, draw, rate, factor});
  }
  template <class Context, class T, class W>
  static void scale(Context& context, std::size_t batch, std::size_t elements, const W* factor, const T* dy,
                    T* dbranch) {
    grid::parallel_for_vec<T>(context, batch * elements, elements, {dy, dbranch},
                              grid::scale_samples<T, W>{elements, factor, dy, dbranch});
  }
};

}  // namespace pretext::inline v0_1::kernels
