#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::kernels {

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
  /// `share(row, class)` is the goal. Sums are taken in double, row by row, so that no thread changes them.
  template <class Context, class T, class Share>
  static double run(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                    const T* logits, T* dlogits, const Share& share) {
    const arena_scope guard{context.workspace};
    double* value = context.workspace.template allocate<double>(rows);
    double* power = context.workspace.template allocate<double>(rows * classes);
    context.stream.for_each_run(rows, 32, [=](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const T* own = logits + row * stride;
        double* e = power + row * classes;
        // Differences from the largest logit: none overflows, whatever the network says.
        const auto most = static_cast<double>(*std::max_element(own, own + classes));
        double total = 0;
        for (std::size_t c = 0; c < classes; ++c)
          total += e[c] = std::exp(static_cast<double>(own[c]) - most);
        const double log_total = std::log(total);
        double targets = 0, sum = 0;
        for (std::size_t c = 0; c < classes; ++c) {
          const double t = share(row, c);
          targets += t;
          if (t != 0) sum += t * (log_total - (static_cast<double>(own[c]) - most));
        }
        value[row] = sum;
        for (std::size_t c = 0; c < classes; ++c)
          dlogits[row * stride + c] += static_cast<T>(scale * (targets * e[c] / total - share(row, c)));
      }
    });
    double sum = 0;
    for (std::size_t row = 0; row < rows; ++row) sum += value[row];
    return scale * sum;
  }
};

}  // namespace pretext::kernels
