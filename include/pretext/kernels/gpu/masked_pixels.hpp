// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/core/divisor.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/masked_pixels.hpp>

namespace pretext::inline v0_1::grid {

/// The error and gradient of selected patches, one warp per patch. A thread accesses N consecutive elements
/// of a patch at a time; with N > 1 it keeps the patch's pixels in registers.
template <class T, unsigned N>
struct patch_error {
  static constexpr unsigned threads = 128, patches_per_block = threads / 32, most_kept = 1024,
                            chunks = N == 1 ? 1 : most_kept / 32 / N;
  using shared = no_memory;
  kernels::patch_extents e;
  kernels::index_list selected;
  divisor line;  ///< the elements of a patch's lines
  std::size_t rows;
  kernels::pixel_comparison comparison;
  const T *images, *prediction;
  double* errors;
  T* dprediction;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    typename Block::template per_thread<pixels> patch;
    typename Block::template per_thread<double> sum, squares, error;
    const auto dimension = static_cast<std::uint32_t>(e.patch_dim());
    const double share = 1 / comparison.denominator, count = static_cast<double>(dimension);
    block.without_barrier([&](unsigned thread) {
      patch[thread].first = first_of(smaller(row_of(block, thread), rows - 1));
      if constexpr (N > 1)
        for (unsigned s = 0; s < chunks; ++s)
          if (const std::uint32_t i = (s * 32 + thread % 32) * N; i < dimension)
            patch[thread].of[s] = load<N>(images + patch[thread].first + offset_of(i));
      if (comparison.normalise)
        for_each_chunk(thread, patch[thread], [&](std::uint32_t, const auto& of_chunk) {
          for (unsigned k = 0; k < N; ++k) sum[thread] += static_cast<double>(of_chunk[k]);
        });
    });
    block.sum_in_warps(sum);
    block.without_barrier([&](unsigned thread) {
      const double shift = sum[thread] / count;
      if (comparison.normalise)
        for_each_chunk(thread, patch[thread], [&](std::uint32_t, const auto& of_chunk) {
          for (unsigned k = 0; k < N; ++k) {
            const double centred = static_cast<double>(of_chunk[k]) - shift;
            squares[thread] += centred * centred;
          }
        });
    });
    block.sum_in_warps(squares);
    block.without_barrier([&](unsigned thread) {
      if (row_of(block, thread) >= rows) return;
      const double shift = sum[thread] / count,
                   scale = comparison.normalise ? 1 / std::sqrt(squares[thread] / (count - 1) + 1e-6) : 1;
      const std::size_t first = row_of(block, thread) * dimension;
      for_each_chunk(thread, patch[thread], [&](std::uint32_t i, const auto& of_chunk) {
        const auto predicted = load<N>(prediction + first + i);
        auto gradient = load<N>(static_cast<const T*>(dprediction) + first + i);
        for (unsigned k = 0; k < N; ++k) {
          const double difference =
              static_cast<double>(predicted[k]) - (static_cast<double>(of_chunk[k]) - shift) * scale;
          error[thread] += comparison.error_of(difference);
          gradient[k] = static_cast<arithmetic<T>>(static_cast<double>(gradient[k]) +
                                                   comparison.gradient_of(difference, share));
        }
        store<N>(dprediction + first + i, gradient);
      });
    });
    block.sum_in_warps(error);
    block.without_barrier([&](unsigned thread) {
      if (thread % 32 == 0 && row_of(block, thread) < rows) errors[row_of(block, thread)] = error[thread];
    });
  }

 private:
  /// Where a patch begins in the images, and a thread's pixels if it keeps them.
  struct pixels {
    std::size_t first;
    vec<arithmetic<T>, N> of[chunks];
  };
  template <class Block>
  PRETEXT_HOST_DEVICE static std::size_t row_of(Block& block, unsigned thread) {
    return block.index() * patches_per_block + thread / 32;
  }
  /// f(element of the patch, N pixels) for the elements of a thread.
  template <class F>
  PRETEXT_HOST_DEVICE void for_each_chunk(unsigned thread, const pixels& patch, const F& f) const {
    const auto dimension = static_cast<std::uint32_t>(e.patch_dim());
    if constexpr (N == 1) {
      for (std::uint32_t i = thread % 32; i < dimension; i += 32)
        f(i, load<N>(images + patch.first + offset_of(i)));
    } else {
      for (unsigned s = 0; s < chunks; ++s)
        if (const std::uint32_t i = (s * 32 + thread % 32) * N; i < dimension) f(i, patch.of[s]);
    }
  }
  /// The index in the images of a patch's first element, and of its other ones from there.
  PRETEXT_HOST_DEVICE std::size_t first_of(std::size_t row) const {
    const std::size_t sample = row / selected.count, at = selected.position(sample, row % selected.count);
    const std::size_t down = at / e.columns() * e.patch, right = at % e.columns() * e.patch;
    return ((sample * e.height + down) * e.width + right) * e.channels;
  }
  PRETEXT_HOST_DEVICE std::size_t offset_of(std::uint32_t element) const {
    const std::uint32_t down = line.quotient(element);
    return down * (e.width * e.channels) + (element - down * line.value());
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One warp per patch, then a sum over the patches in a fixed order.
template <Accelerator Device>
struct masked_pixels<Device> {
  template <class Context, class T>
  static auto run(Context& context, const patch_extents& e, const pixel_comparison& c, std::size_t batch,
                  const index_list& selected, const T* images, const T* prediction, T* dprediction) {
    const arena_scope guard{context.workspace};
    const std::size_t rows = batch * selected.count;
    double* const errors = context.workspace.template allocate<double>(rows);
    const auto launch_by = [&]<unsigned N>() {
      using kernel = grid::patch_error<T, N>;
      launch(context.stream, grid::ceil_div(rows, kernel::patches_per_block),
             kernel{e, selected, divisor{e.patch * e.channels}, rows, c, images, prediction, errors,
                    dprediction});
    };
    constexpr unsigned vector = grid::lanes<T>;
    const bool vectorized =
        grid::is_vectorizable<T>(e.patch * e.channels, {images, prediction, dprediction}) &&
        e.width * e.channels % vector == 0 && e.patch_dim() <= grid::patch_error<T, vector>::most_kept;
    if (rows > 0 && vectorized) launch_by.template operator()<vector>();
    if (rows > 0 && !vectorized) launch_by.template operator()<1>();
    return grid::row_loss(context, rows, 1 / c.denominator, errors);
  }
};

}  // namespace pretext::inline v0_1::kernels
