#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cross_entropy.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>

namespace pretext::grid {

/// Shares of every class, smoothed.
template <class W>
struct soft_goals {
  std::size_t stride, classes;
  double smoothing;
  const W* target;
  PRETEXT_HOST_DEVICE double operator()(std::size_t row, std::size_t c) const {
    return smoothed(static_cast<double>(target[row * stride + c]), smoothing, classes);
  }
};
/// One class per row.
struct hard_goals {
  const int* labels;
  PRETEXT_HOST_DEVICE double operator()(std::size_t row, std::size_t c) const {
    return c == static_cast<std::size_t>(labels[row]) ? 1.0 : 0.0;
  }
};

/// A block of threads for each row of logits.
template <class T, class Targets>
struct compare_classes {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t stride, classes;
  double scale;
  Targets targets;
  const T* logits;
  double* value;
  T* dlogits;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index();
    const T* const own = logits + row * stride;
    // Differences from the largest logit: none overflows, whatever the network says.
    const double most = largest_of_threads(block, memory, [&](unsigned thread) {
      double largest = minus_infinity<double>();
      for (std::size_t c = thread; c < classes; c += row_threads)
        largest = static_cast<double>(own[c]) > largest ? static_cast<double>(own[c]) : largest;
      return largest;
    });
    const auto above = [=](std::size_t c) { return static_cast<double>(own[c]) - most; };
    const double total =
        sum_of_row(block, memory, classes, [&](std::size_t c) { return std::exp(above(c)); });
    const double log_total = std::log(total);
    const double all = sum_of_row(block, memory, classes, [&](std::size_t c) { return targets(row, c); });
    const double loss = sum_of_row(block, memory, classes, [&](std::size_t c) {
      const double t = targets(row, c);
      return t != 0 ? t * (log_total - above(c)) : 0.0;
    });
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < classes; c += row_threads)
        dlogits[row * stride + c] =
            static_cast<T>(static_cast<double>(dlogits[row * stride + c]) +
                           scale * (all * std::exp(above(c)) / total - targets(row, c)));
      if (thread == 0) value[row] = loss;
    });
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct cross_entropy<Device> {
  template <class Context, class T, class W>
  static auto soft(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                   double smoothing, const T* logits, const W* target, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits,
               grid::soft_goals<W>{stride, classes, smoothing, target});
  }

  template <class Context, class T>
  static auto hard(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                   const T* logits, const int* labels, T* dlogits) {
    return run(context, rows, stride, classes, scale, logits, dlogits, grid::hard_goals{labels});
  }

 private:
  template <class Context, class T, class Targets>
  static auto run(Context& context, std::size_t rows, std::size_t stride, std::size_t classes, double scale,
                  const T* logits, T* dlogits, const Targets& targets) {
    const arena_scope guard{context.workspace};
    double* const value = context.workspace.template allocate<double>(rows);
    if (rows > 0)
      launch(context.stream, rows,
             grid::compare_classes<T, Targets>{stride, classes, scale, targets, logits, value, dlogits});
    return grid::row_loss(context, rows, scale, value);
  }
};

}  // namespace pretext::kernels
