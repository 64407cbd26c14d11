// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/grid/deferred_loss.hpp>

namespace pretext::inline v0_1::grid {

/// Σ row_values · factor over a loss's rows, summed in a fixed order by one block.
struct sum_rows {
  static constexpr unsigned threads = 256;
  struct shared {
    double of[threads];
  };
  std::size_t rows;
  double factor;
  const double* row_values;
  double* sum;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const double total = sum_of_threads(block, block.shared().of, [&](unsigned thread) {
      double partial = 0;
      for (std::size_t row = thread; row < rows; row += threads) partial += row_values[row];
      return partial;
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) *sum = factor * total;
    });
  }
};

/// The deferred loss factor · Σ row_values, where every row has contributed one value.
template <class Context>
auto row_loss(Context& context, std::size_t rows, double factor, const double* row_values) {
  double* const sum = context.activations.template allocate<double>(1);
  launch(context.stream, 1, sum_rows{rows, factor, row_values, sum});
  return deferred_loss<typename Context::device>{sum};
}

}  // namespace pretext::inline v0_1::grid
