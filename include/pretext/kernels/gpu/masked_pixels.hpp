// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/core/divisor.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>
#include <pretext/kernels/masked_pixels.hpp>

namespace pretext::inline v0_1::grid {

/// The error and gradient of selected patches, one warp per patch.
template <class T>
struct patch_error {
  static constexpr unsigned threads = 128, patches_per_block = threads / 32;
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
    typename Block::template per_thread<std::size_t> first_pixel;
    typename Block::template per_thread<double> sum, squares, error;
    const auto dimension = static_cast<std::uint32_t>(e.patch_dim());
    const double share = 1 / comparison.denominator, count = static_cast<double>(dimension);
    const auto row_of = [&](unsigned thread) { return block.index() * patches_per_block + thread / 32; };
    /// f(element of the patch, pixel) for the elements of a thread.
    const auto for_each_pixel = [&](unsigned thread, const auto& f) {
      if (row_of(thread) < rows)
        for (std::uint32_t i = thread % 32; i < dimension; i += 32)
          f(i, static_cast<double>(images[first_pixel[thread] + offset_of(i)]));
    };
    block.without_barrier([&](unsigned thread) {
      first_pixel[thread] = first_of(smaller(row_of(thread), rows - 1));
      if (comparison.normalise)
        for_each_pixel(thread, [&](std::uint32_t, double pixel) { sum[thread] += pixel; });
    });
    block.sum_in_warps(sum);
    block.without_barrier([&](unsigned thread) {
      const double shift = sum[thread] / count;
      if (comparison.normalise)
        for_each_pixel(thread, [&](std::uint32_t, double pixel) {
          squares[thread] += (pixel - shift) * (pixel - shift);
        });
    });
    block.sum_in_warps(squares);
    block.without_barrier([&](unsigned thread) {
      const double shift = sum[thread] / count,
                   scale = comparison.normalise ? 1 / std::sqrt(squares[thread] / (count - 1) + 1e-6) : 1;
      const std::size_t first = row_of(thread) * dimension;
      for_each_pixel(thread, [&](std::uint32_t i, double pixel) {
        const double difference = static_cast<double>(prediction[first + i]) - (pixel - shift) * scale;
        error[thread] += comparison.error_of(difference);
        dprediction[first + i] = static_cast<T>(static_cast<double>(dprediction[first + i]) +
                                                comparison.gradient_of(difference, share));
      });
    });
    block.sum_in_warps(error);
    block.without_barrier([&](unsigned thread) {
      if (thread % 32 == 0 && row_of(thread) < rows) errors[row_of(thread)] = error[thread];
    });
  }

 private:
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
    using kernel = grid::patch_error<T>;
    if (rows > 0)
      launch(context.stream, grid::ceil_div(rows, kernel::patches_per_block),
             kernel{e, selected, divisor{e.patch * e.channels}, rows, c, images, prediction, errors,
                    dprediction});
    return grid::row_loss(context, rows, 1 / c.denominator, errors);
  }
};

}  // namespace pretext::inline v0_1::kernels
