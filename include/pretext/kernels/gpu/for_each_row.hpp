// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>

namespace pretext::inline v0_1::grid {

/// The threads of a block as a team.
template <class Block>
struct block_team {
  Block& block;
  double (&memory)[row_threads];

  template <class F>
  PRETEXT_HOST_DEVICE void each(std::size_t count, const F& f) const {
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t i = thread; i < count; i += row_threads) f(i);
    });
  }
  template <class F>
  PRETEXT_HOST_DEVICE double sum(std::size_t count, const F& f) const {
    return sum_of_row(block, memory, count, [&](std::size_t i) { return static_cast<double>(f(i)); });
  }
  template <class F>
  PRETEXT_HOST_DEVICE double maximum(std::size_t count, const F& f) const {
    return largest_of_threads(block, memory, [&](unsigned thread) {
      double largest = minus_infinity<double>();
      for (std::size_t i = thread; i < count; i += row_threads) {
        const auto value = static_cast<double>(f(i));
        largest = value > largest ? value : largest;
      }
      return largest;
    });
  }
};

/// One block for each row.
template <class Work>
struct row_work {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  Work work;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    work(block.index(), block_team<Block>{block, block.shared().of});
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

template <Accelerator Device>
struct for_each_row<Device> {
  template <class Context, class Work>
  static void run(Context& context, std::size_t rows, const Work& work) {
    if (rows > 0) launch(context.stream, rows, grid::row_work<Work>{work});
  }
};

template <Accelerator Device>
struct sum_of_parts<Device> {
  template <class Context>
  static auto run(Context& context, std::size_t count, double factor, const double* parts) {
    return grid::row_loss(context, count, factor, parts);
  }
};

}  // namespace pretext::inline v0_1::kernels
