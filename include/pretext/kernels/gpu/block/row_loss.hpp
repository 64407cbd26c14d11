#pragma once
#include <cstddef>

#include <pretext/devices/grid/deferred_loss.hpp>

namespace pretext::grid {

/// A loss made of one number per row: their sum times `factor`, in a fixed order.
struct sum_of_rows {
  static constexpr unsigned threads = 256;
  struct shared {
    double of[threads];
  };
  std::size_t rows;
  double factor;
  const double* number;
  double* sum;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const double total = sum_of_threads(block, block.shared().of, [&](unsigned thread) {
      double own = 0;
      for (std::size_t row = thread; row < rows; row += threads) own += number[row];
      return own;
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) *sum = factor * total;
    });
  }
};

/// The loss that has one number per row.
template <class Context>
auto loss_of_rows(Context& context, std::size_t rows, double factor, const double* number) {
  double* const sum = context.activations.template allocate<double>(1);
  launch(context.stream, 1, sum_of_rows{rows, factor, number, sum});
  return deferred_loss<typename Context::device>{sum};
}

}  // namespace pretext::grid
