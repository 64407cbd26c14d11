// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/is_finite.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/lane_sums.hpp>
#include <pretext/kernels/for_each_row.hpp>

namespace pretext::inline v0_1::kernels {

namespace detail {
/// A team of one thread. Its members are also device functions because those that call them are.
struct single_thread_team {
  template <class F>
  PRETEXT_HOST_DEVICE void each(std::size_t count, const F& f) const {
    for (std::size_t i = 0; i < count; ++i) f(i);
  }
  template <class F>
  PRETEXT_HOST_DEVICE double sum(std::size_t count, const F& f) const {
    return lane_sum<double>(count, [&](std::size_t i) { return static_cast<double>(f(i)); });
  }
  template <class F>
  PRETEXT_HOST_DEVICE double maximum(std::size_t count, const F& f) const {
    double largest = -pretext::detail::infinity<double>;
    for (std::size_t i = 0; i < count; ++i) {
      const auto value = static_cast<double>(f(i));
      largest = value > largest ? value : largest;
    }
    return largest;
  }
};
}  // namespace detail

/// Runs of 16 rows per thread, so that work on adjacent columns of a matrix shares its cache lines.
template <>
struct for_each_row<cpu> {
  template <class Context, class Work>
  static void run(Context& context, std::size_t rows, const Work& work) {
    context.stream.for_each_run(rows, 16, [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t row = first; row < last; ++row) work(row, detail::single_thread_team{});
      });
    });
  }
};

template <>
struct sum_of_parts<cpu> {
  template <class Context>
  static double run(Context&, std::size_t count, double factor, const double* parts) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += parts[i];
    return factor * sum;
  }
};

}  // namespace pretext::inline v0_1::kernels
