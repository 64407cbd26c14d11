// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cosine_regression.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>

namespace pretext::inline v0_1::grid {

/// The loss and gradient of one row of p with the target from the other view.
template <class T>
struct cosine_error {
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
    const T *row_p = p + row * columns, *row_target = target + (row + rows / 2) % rows * columns;
    const double p_inverse = inverse_length(block, memory, columns, row_p);
    const double target_inverse = inverse_length(block, memory, columns, row_target);
    using R = arithmetic<T>;
    const auto unit = [=](std::size_t c) {
      return static_cast<R>(static_cast<double>(row_p[c]) * p_inverse);
    };
    const auto unit_target = [=](std::size_t c) {
      return static_cast<R>(static_cast<double>(row_target[c]) * target_inverse);
    };
    const double cosine = sum_of_row(block, memory, columns, [&](std::size_t c) {
      return static_cast<double>(unit(c)) * static_cast<double>(unit_target(c));
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread == 0) distance[row] = 2 - 2 * cosine;
    });
    const R factor = static_cast<R>(-2 * scale);
    add_row_gradient(
        block, memory, columns, static_cast<R>(p_inverse), unit,
        [=](std::size_t c) { return factor * unit_target(c); }, dp + row * columns);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// One block per row, then a sum over the rows in a fixed order.
template <Accelerator Device>
struct cosine_regression<Device> {
  template <class Context, class T>
  static auto run(Context& context, std::size_t rows, std::size_t columns, double factor, const T* p,
                  const T* target, T* dp) {
    detail::expects_two_views(rows);
    const arena_scope guard{context.workspace};
    double* const distance = context.workspace.template allocate<double>(rows);
    const double scale = factor / static_cast<double>(rows / 2);
    launch(context.stream, rows, grid::cosine_error<T>{rows, columns, scale, p, target, distance, dp});
    return grid::row_loss(context, rows, scale, distance);
  }
};

}  // namespace pretext::inline v0_1::kernels
