#pragma once
#include <cstddef>
#include <vector>

#include <pretext/devices/grid/tiles.hpp>
#include <pretext/kernels/gpu/block/warp_squares.hpp>

#include "device_pair.hpp"

namespace pretext::tests {

/// For each of two warps the products of two squares, each of them as it is or transposed, and then what
/// groups of 4 and of 32 lanes find when they combine their indices. Row 15 of every square is made of zeros.
struct products_of_squares {
  static constexpr unsigned threads = 64, warps = 2, side = 16, values = side * side;
  using tile = grid::operand_tile<side, side, false>;
  struct shared {
    tile left[warps], right[warps];
  };
  const bfloat16* from;  ///< left and right of each warp
  float *products, *combined;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    block.without_barrier([&](unsigned thread) {
      const unsigned warp = thread / 32, row = thread % 32 / 2, column = thread % 2 * 8;
      const bfloat16* const left = from + warp * 2 * values + row * side + column;
      block.copy_later(&memory.left[warp].of[row][column], left, row < 15);
      block.copy_later(&memory.right[warp].of[row][column], left + values, row < 15);
    });
    block.finish_copies();
    block.for_each_warp([&](const typename Block::warp& warp) {
      const tile &a = memory.left[warp.index()], &b = memory.right[warp.index()];
      for (unsigned which = 0; which < 4; ++which) {
        typename Block::warp::template per_lane<grid::square_operand> left, right;
        if (which / 2 == 0)
          warp.load_square(left, [&](unsigned lane) { return part_of_left(a, 0, 0, lane); });
        else
          warp.load_transposed_square(left, [&](unsigned lane) { return part_of_transpose(a, 0, 0, lane); });
        if (which % 2 == 0)
          warp.load_transposed_square(right, [&](unsigned lane) { return part_of_left(b, 0, 0, lane); });
        else
          warp.load_square(right, [&](unsigned lane) { return part_of_transpose(b, 0, 0, lane); });
        typename Block::warp::template per_lane<grid::square_sums> sums;
        warp.multiply(sums, left, right);
        warp.for_each_lane([&](unsigned lane) {
          for (unsigned k = 0; k < 8; ++k)
            products[(warp.index() * 4 + which) * values + grid::square_sums::row(lane, k) * side +
                     grid::square_sums::column(lane, k)] = sums[lane].of[k];
        });
      }
      typename Block::warp::template per_lane<float> sum, largest;
      warp.for_each_lane(
          [&](unsigned lane) { sum[lane] = largest[lane] = static_cast<float>(warp.index() * 32 + lane); });
      warp.template combine<4>(sum, [](float x, float y) { return x + y; });
      warp.template combine<32>(largest, [](float x, float y) { return x > y ? x : y; });
      warp.for_each_lane([&](unsigned lane) {
        combined[(warp.index() * 32 + lane) * 2] = sum[lane];
        combined[(warp.index() * 32 + lane) * 2 + 1] = largest[lane];
      });
    });
  }
};

template <class Device>
void multiply_squares() {
  using kernel = products_of_squares;
  constexpr std::size_t side = kernel::side, values = kernel::values;
  workbench<on<Device, bf16>> at;
  std::vector<bfloat16> from(kernel::warps * 2 * values);
  for (std::size_t i = 0; i < from.size(); ++i)
    from[i] = bfloat16{static_cast<float>(static_cast<int>(i * 7 % 13 + i % 5) - 8)};
  float* const products = at.out_weights(kernel::warps * 4 * values);
  float* const combined = at.out_weights(kernel::threads * 2);
  launch(at.context.stream, 1, kernel{at.in(from), products, combined});
  const auto found = at.results();
  for (std::size_t warp = 0; warp < kernel::warps; ++warp)
    for (std::size_t which = 0; which < 4; ++which)
      for (std::size_t r = 0; r < side; ++r)
        for (std::size_t c = 0; c < side; ++c) {
          const auto element = [&](std::size_t operand, std::size_t row, std::size_t column) {
            return row < 15 ? static_cast<double>(from[(warp * 2 + operand) * values + row * side + column])
                            : 0.;
          };
          double sum = 0;
          for (std::size_t k = 0; k < side; ++k)
            sum += (which / 2 == 0 ? element(0, r, k) : element(0, k, r)) *
                   (which % 2 == 0 ? element(1, k, c) : element(1, c, k));
          CHECK(found[0][(warp * 4 + which) * values + r * side + c] == sum);
        }
  for (std::size_t thread = 0; thread < kernel::threads; ++thread) {
    CHECK(found[1][thread * 2] == static_cast<double>(thread / 4 * 16 + 6));
    CHECK(found[1][thread * 2 + 1] == static_cast<double>(thread / 32 * 32 + 31));
  }
}

}  // namespace pretext::tests
