// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cross_entropy.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>

namespace pretext::inline v0_1::grid {

/// Probabilities of every class, smoothed.
template <class W>
struct soft_label_targets {
  std::size_t stride, classes;
  double smoothing;
  const W* target;
  PRETEXT_HOST_DEVICE double operator()(std::size_t row, std::size_t c) const {
    return smoothed(static_cast<double>(target[row * stride + c]), smoothing, classes);
  }
};
/// One label per row.
struct hard_label_targets {
  const int* labels;
  PRETEXT_HOST_DEVICE double operator()(std::size_t row, std::size_t c) const {
    return c == static_cast<std::size_t>(labels[row]) ? 1.0 : 0.0;
  }
};

/// The loss and gradient of one row of logits, by one block of threads.
template <class T, class Targets>
struct softmax_cross_entropy {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t stride, classes;
  double scale;
  Targets targets;
  const T* logits;
  double* row_values;
  T* dlogits;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index();
    const T* const row_logits = logits + row * stride;
    // Subtract the largest logit, so that exp cannot overflow.
    const double max_logit = largest_of_threads(block, memory, [&](unsigned thread) {
      double largest = minus_infinity<double>();
      for (std::size_t c = thread; c < classes; c += row_threads)
        largest = static_cast<double>(row_logits[c]) > largest ? static_cast<double>(row_logits[c]) : largest;
      return largest;
    });
    const auto shifted = [=](std::size_t c) { return static_cast<double>(row_logits[c]) - max_logit; };
    const double total =
        sum_of_row(block, memory, classes, [&](std::size_t c) { return std::exp(shifted(c)); });
    const double log_total = std::log(total);
    const double target_sum =
        sum_of_row(block, memory, classes, [&](std::size_t c) { return targets(row, c); });
    const double loss = sum_of_row(block, memory, classes, [&](std::size_t c) {
      const double t = targets(row, c);
      return t != 0 ? t * (log_total - shifted(c)) : 0.0;
    });
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < classes; c += row_threads)
        dlogits[row * stride + c] =
            static_cast<T>(static_cast<double>(dlogits[row * stride + c]) +
                           scale * (target_sum * std::exp(shifted(c)) / total - targets(row, c)));
      if (thread == 0) row_values[row] = loss;
    });
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One block per row, then a sum over the rows in a fixed order.
template <Accelerator Device>
struct cross_entropy<Device> {
  template <class Context, class T, class W>
  static auto soft(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                   double smoothing, const T* logits, const W* target, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits,
               grid::soft_label_targets<W>{stride, classes, smoothing, target});
  }

  template <class Context, class T>
  static auto hard(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                   const T* logits, const int* labels, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits, grid::hard_label_targets{labels});
  }

 private:
  template <class Context, class T, class Targets>
  static auto run(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                  const T* logits, T* dlogits, const Targets& targets) {
    const arena_scope guard{context.workspace};
    double* const row_values = context.workspace.template allocate<double>(rows);
    if (rows > 0)
      launch(context.stream, rows,
             grid::softmax_cross_entropy<T, Targets>{stride, classes, scale, targets, logits, row_values,
                                                     dlogits});
    return grid::row_loss(context, rows, scale, row_values);
  }
};

}  // namespace pretext::inline v0_1::kernels
