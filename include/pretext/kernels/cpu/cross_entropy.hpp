// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::inline v0_1::kernels {

/// One pass over the rows in double precision; the loss is summed over the rows in order.
template <>
struct cross_entropy<cpu> {
  template <class Context, class T>
  static double soft(Context& context, std::size_t rows, std::size_t stride, std::size_t classes,
                     double scale, double smoothing, const T* logits, const T* target, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits, [=](std::size_t row, std::size_t c) {
      return smoothed(static_cast<double>(target[row * stride + c]), smoothing, classes);
    });
  }

  template <class Context, class T>
  static double hard(Context& context, std::size_t rows, std::size_t stride, std::size_t classes,
                     double scale, const T* logits, const int* labels, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits, [=](std::size_t row, std::size_t c) {
      return c == static_cast<std::size_t>(labels[row]) ? 1.0 : 0.0;
    });
  }

 private:
  /// `probability(row, class)` is the target. The loss of each row is stored and they are summed in order, so
  /// the result does not depend on the number of threads.
  template <class Context, class T, class Probability>
  static double run(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                    const T* logits, T* dlogits, const Probability& probability) {
    const arena_scope guard{context.workspace};
    double* losses = context.workspace.template allocate<double>(rows);
    double* exponentials = context.workspace.template allocate<double>(rows * classes);
    context.stream.for_each_run(rows, 32, [=](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const T* row_logits = logits + row * stride;
        double* e = exponentials + row * classes;
        // Differences from the largest logit, so that no exponential overflows.
        const auto largest = static_cast<double>(*std::max_element(row_logits, row_logits + classes));
        double total = 0;
        for (std::size_t c = 0; c < classes; ++c)
          total += e[c] = std::exp(static_cast<double>(row_logits[c]) - largest);
        const double log_total = std::log(total);
        double target_sum = 0, sum = 0;
        for (std::size_t c = 0; c < classes; ++c) {
          const double t = probability(row, c);
          target_sum += t;
          if (t != 0) sum += t * (log_total - (static_cast<double>(row_logits[c]) - largest));
        }
        losses[row] = sum;
        for (std::size_t c = 0; c < classes; ++c)
          dlogits[row * stride + c] +=
              static_cast<T>(scale * (target_sum * e[c] / total - probability(row, c)));
      }
    });
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) sum += losses[row];
    return scale * sum;
  }
};

}  // namespace pretext::inline v0_1::kernels
