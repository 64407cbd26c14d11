#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cosine_regression.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>

namespace pretext::grid {

/// A row of p beside the goal of its other view.
template <class T>
struct compare_with_goal {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t rows, columns;
  double scale;
  const T *p, *target;
  double* distance;
  T* dp;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index();
    const T *own = p + row * columns, *other = target + (row + rows / 2) % rows * columns;
    const double length = inverse_length(block, memory, columns, own);
    const double goal_length = inverse_length(block, memory, columns, other);
    using R = arithmetic<T>;
    const auto unit = [=](std::size_t c) { return static_cast<R>(static_cast<double>(own[c]) * length); };
    const auto aim = [=](std::size_t c) {
      return static_cast<R>(static_cast<double>(other[c]) * goal_length);
    };
    const double cosine = sum_of_row(block, memory, columns, [&](std::size_t c) {
      return static_cast<double>(unit(c)) * static_cast<double>(aim(c));
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) distance[row] = 2 - 2 * cosine;
    });
    const R by = static_cast<R>(-2 * scale);
    add_row_gradient(
        block, memory, columns, static_cast<R>(length), unit, [=](std::size_t c) { return by * aim(c); },
        dp + row * columns);
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct cosine_regression<Device> {
  template <class Context, class T>
  static auto run(Context& context, std::size_t rows, std::size_t columns, double factor, const T* p,
                  const T* target, T* dp) {
    detail::expects_two_views(rows);
    const arena_scope guard{context.workspace};
    double* const distance = context.workspace.template allocate<double>(rows);
    const double scale = factor / static_cast<double>(rows / 2);
    launch(context.stream, rows, grid::compare_with_goal<T>{rows, columns, scale, p, target, distance, dp});
    return grid::row_loss(context, rows, scale, distance);
  }
};

}  // namespace pretext::kernels
