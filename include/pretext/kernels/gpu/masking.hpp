// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/random.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/masking.hpp>

namespace pretext::inline v0_1::grid {

/// One uniform value per patch.
struct draw_noise {
  sample_keys keys;
  std::size_t patches;
  float* noise;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    noise[i] = keys(i / patches).uniform(static_cast<std::uint32_t>(i % patches));
  }
};

/// A patch's rank is the count of patches before it: a few hundred comparisons per patch, without sorting.
template <class N>
struct rank_patches {
  std::size_t patches;
  const N* noise;
  std::uint32_t *order, *restore;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t first = i / patches * patches, patch = i - first;
    const N* const at = noise + first;
    std::uint32_t rank = 0;
    for (std::size_t other = 0; other < patches; ++other)
      rank += at[other] < at[patch] || (!(at[patch] < at[other]) && other < patch);
    restore[i] = rank;
    order[first + rank] = static_cast<std::uint32_t>(patch);
  }
};

/// fine(r, c) = coarse(r / factor, c / factor).
struct enlarge {
  std::size_t rows, columns, factor;
  const std::uint32_t* coarse;
  std::uint32_t* fine;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t c = i % columns, r = i / columns % rows, n = i / columns / rows;
    fine[i] = coarse[(n * (rows / factor) + r / factor) * (columns / factor) + c / factor];
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// The noise that the CPU draws: it depends on the sample's key alone.
template <Accelerator Device>
struct uniform_noise<Device> {
  template <class Context>
  static void run(Context& context, const sample_keys& keys, std::size_t batch, std::size_t patches,
                  float* noise) {
    grid::parallel_for(context, batch * patches, grid::draw_noise{keys, patches, noise});
  }
};

/// Sorts by counting ranks; ties keep their order.
template <Accelerator Device>
struct order_by_noise<Device> {
  template <class Context, class N>
  static void run(Context& context, std::size_t batch, std::size_t patches, const N* noise,
                  std::uint32_t* order, std::uint32_t* restore) {
    grid::parallel_for(context, batch * patches, grid::rank_patches<N>{patches, noise, order, restore});
  }
};

/// Nearest-neighbor enlargement of a grid.
template <Accelerator Device>
struct enlarge_grid<Device> {
  template <class Context>
  static void run(Context& context, std::size_t batch, std::size_t rows, std::size_t columns,
                  std::size_t factor, const std::uint32_t* coarse, std::uint32_t* fine) {
    grid::parallel_for(context, batch * rows * columns, grid::enlarge{rows, columns, factor, coarse, fine});
  }
};

}  // namespace pretext::inline v0_1::kernels
