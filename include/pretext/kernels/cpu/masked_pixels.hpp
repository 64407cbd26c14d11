#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/masked_pixels.hpp>

namespace pretext::kernels {
namespace detail {

/// `work(line, number)` for the lines of a patch, each a run of patch·channels numbers of the image.
template <class T, class Work>
void each_line(const pixel_comparison& c, const T* patch, const Work& work) {
  for (std::size_t line = 0; line < c.patch; ++line)
    for (std::size_t i = 0; i < c.patch * c.channels; ++i)
      work(line * c.patch * c.channels + i, static_cast<double>(patch[line * c.width * c.channels + i]));
}

/// What turns a number of a patch into its target: (number - shift)·scale.
struct patch_statistics {
  double shift = 0, scale = 1;
};

/// Mean and 1/√(v + 1e-6) over all numbers of a patch, v unbiased.
template <class T>
patch_statistics statistics_of(const pixel_comparison& c, const T* patch) {
  const auto numbers = static_cast<double>(c.patch * c.patch * c.channels);
  double sum = 0, squares = 0;
  each_line(c, patch, [&](std::size_t, double number) { sum += number; });
  const double mean = sum / numbers;
  each_line(c, patch, [&](std::size_t, double number) { squares += (number - mean) * (number - mean); });
  return {mean, 1 / std::sqrt(squares / (numbers - 1) + 1e-6)};
}

/// The errors of one patch, summed; their gradient times `share` goes to `dp`.
template <class T>
double compare_patch(const pixel_comparison& c, const T* patch, double share, const T* p, T* dp) {
  const patch_statistics at = c.normalise ? statistics_of(c, patch) : patch_statistics{};
  double sum = 0;
  each_line(c, patch, [&](std::size_t i, double number) {
    const double away = static_cast<double>(p[i]) - (number - at.shift) * at.scale;
    if (c.error == pixel_error::squared) {
      sum += away * away;
      dp[i] += static_cast<T>(2 * share * away);
    } else {
      sum += std::abs(away);
      dp[i] += static_cast<T>(away > 0 ? share : away < 0 ? -share : 0);
    }
  });
  return sum;
}

}  // namespace detail

template <>
struct masked_pixels<cpu> {
  template <class Place, class T>
  static double run(Place& place, const pixel_comparison& c, std::size_t batch, const std::uint32_t* order,
                    const T* images, const T* prediction, T* dprediction) {
    const borrowed guard{place.scratch};
    const std::size_t places = c.rows * c.columns, hidden = places - c.visible;
    const std::size_t numbers = c.patch * c.patch * c.channels;
    double* const errors = place.scratch.template take<double>(batch * hidden);
    place.stream.for_each_run(batch * hidden, 16, [&](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const std::size_t n = row / hidden, at = order[n * places + c.visible + row % hidden];
        const std::size_t line = (n * c.rows + at / c.columns) * c.patch, column = at % c.columns * c.patch;
        errors[row] =
            detail::compare_patch(c, images + (line * c.width + column) * c.channels, 1 / c.denominator,
                                  prediction + row * numbers, dprediction + row * numbers);
      }
    });
    double sum = 0;
    for (std::size_t row = 0; row < batch * hidden; ++row) sum += errors[row];
    return sum / c.denominator;
  }
};

}  // namespace pretext::kernels
