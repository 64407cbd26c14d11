// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>
#include <pretext/kernels/gpu/patches.hpp>
#include <pretext/kernels/masked_pixels.hpp>

namespace pretext::inline v0_1::grid {

/// The error and gradient of one selected patch, by one block of threads.
template <class T>
struct patch_error {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  patch_elements at;
  kernels::pixel_comparison comparison;
  const T *images, *prediction;
  double* errors;
  T* dprediction;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t patch_dim = at.e.patch_dim(), first = block.index() * patch_dim;
    const double count = static_cast<double>(patch_dim), share = 1 / comparison.denominator;
    const auto pixel = [=, this](std::size_t i) { return static_cast<double>(images[at(first + i)]); };
    double shift = 0, scale = 1;
    if (comparison.normalise) {
      shift = sum_of_row(block, memory, patch_dim, pixel) / count;
      const double squares = sum_of_row(
          block, memory, patch_dim, [&](std::size_t i) { return (pixel(i) - shift) * (pixel(i) - shift); });
      scale = 1 / std::sqrt(squares / (count - 1) + 1e-6);
    }
    const auto difference = [&](std::size_t i) {
      return static_cast<double>(prediction[first + i]) - (pixel(i) - shift) * scale;
    };
    const double error = sum_of_row(block, memory, patch_dim,
                                    [&](std::size_t i) { return comparison.error_of(difference(i)); });
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < patch_dim; i += row_threads) {
        const double gradient = comparison.gradient_of(difference(i), share);
        dprediction[first + i] = static_cast<T>(static_cast<double>(dprediction[first + i]) + gradient);
      }
      if (thread == 0) errors[block.index()] = error;
    });
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One block per patch, then a sum over the patches in a fixed order.
template <Accelerator Device>
struct masked_pixels<Device> {
  template <class Context, class T>
  static auto run(Context& context, const patch_extents& e, const pixel_comparison& c, std::size_t batch,
                  const index_list& selected, const T* images, const T* prediction, T* dprediction) {
    const arena_scope guard{context.workspace};
    const std::size_t rows = batch * selected.count;
    double* const errors = context.workspace.template allocate<double>(rows);
    if (rows > 0)
      launch(context.stream, rows,
             grid::patch_error<T>{{e, selected}, c, images, prediction, errors, dprediction});
    return grid::row_loss(context, rows, 1 / c.denominator, errors);
  }
};

}  // namespace pretext::inline v0_1::kernels
