// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/masked_pixels.hpp>

namespace pretext::inline v0_1::kernels {
namespace detail {

/// Calls `work(index, value)` for the elements of a patch, whose lines are contiguous in the image.
template <class T, class Work>
void for_each_element(const patch_extents& e, const T* patch, const Work& work) {
  const std::size_t length = e.patch * e.channels;
  for (std::size_t line = 0; line < e.patch; ++line)
    for (std::size_t i = 0; i < length; ++i)
      work(line * length + i, static_cast<double>(patch[line * e.width * e.channels + i]));
}

/// The normalisation of a patch: the target of a value is (value - shift)·scale.
struct patch_statistics {
  double shift = 0, scale = 1;
};

/// Mean and 1/√(v + 1e-6) over all elements of a patch, v the unbiased variance.
template <class T>
patch_statistics statistics_of(const patch_extents& e, const T* patch) {
  const auto count = static_cast<double>(e.patch_dim());
  double sum = 0, squares = 0;
  for_each_element(e, patch, [&](std::size_t, double value) { sum += value; });
  const double mean = sum / count;
  for_each_element(e, patch, [&](std::size_t, double value) { squares += (value - mean) * (value - mean); });
  return {mean, 1 / std::sqrt(squares / (count - 1) + 1e-6)};
}

/// Returns the sum of the errors of one patch, and adds their gradient times `slope` to `dp`.
template <class T>
double compare_patch(const patch_extents& e, const pixel_comparison& c, const T* patch, double slope,
                     const T* p, T* dp) {
  const patch_statistics at = c.normalise ? statistics_of(e, patch) : patch_statistics{};
  double sum = 0;
  for_each_element(e, patch, [&](std::size_t i, double value) {
    const double difference = static_cast<double>(p[i]) - (value - at.shift) * at.scale;
    sum += c.error_of(difference);
    dp[i] += static_cast<T>(c.gradient_of(difference, slope));
  });
  return sum;
}

}  // namespace detail

/// One pass over the chosen patches in double precision; their errors are summed in order.
template <>
struct masked_pixels<cpu> {
  template <class Context, class T>
  static double run(Context& context, const patch_extents& e, const pixel_comparison& c, std::size_t batch,
                    const index_list& chosen, const T* images, const T* prediction, T* dprediction) {
    const arena_scope guard{context.workspace};
    const std::size_t rows = batch * chosen.count;
    double* const errors = context.workspace.template allocate<double>(rows);
    context.stream.for_each_run(rows, 16, [&](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const std::size_t n = row / chosen.count, at = chosen.position(n, row % chosen.count);
        const std::size_t line = n * e.height + at / e.columns() * e.patch,
                          column = at % e.columns() * e.patch;
        errors[row] =
            detail::compare_patch(e, c, images + (line * e.width + column) * e.channels, 1 / c.denominator,
                                  prediction + row * e.patch_dim(), dprediction + row * e.patch_dim());
      }
    });
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) sum += errors[row];
    return sum / c.denominator;
  }
};

}  // namespace pretext::inline v0_1::kernels
