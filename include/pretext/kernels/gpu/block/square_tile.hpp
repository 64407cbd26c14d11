// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/gpu/block/matrix_rows.hpp>

namespace pretext::inline v0_1::grid {

/// A 64×64 tile in shared memory that one block computes, transforms and multiplies by. Attention's and
/// NT-Xent's tiles of logits are such.
template <class T>
struct square_tile {
  static constexpr std::size_t side = 64, deep = 16;
  static constexpr unsigned threads = 256, each = 4;  // 16×16 threads with 4×4 entries each

  T at[side][side + 1];

  /// The slices of both operands that a product reads at a time, 16 deep.
  struct strips {
    T left[deep][side + 4], right[deep][side + 4];
  };
  /// One thread's 4×4 entries of a tile.
  struct fragment {
    T of[each][each];
  };

  /// Calls work(row, column) for every entry of the tile.
  template <class Block, class Work>
  PRETEXT_HOST_DEVICE static void for_each_entry(Block& block, const Work& work) {
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = thread; i < side * side; i += threads) work(i / side, i % side);
    });
  }

  /// at[r][c] = finish(r, c, Σ_d a(r, d)·b(c, d)).
  template <class Block, class Stored, class Finish>
  PRETEXT_HOST_DEVICE void dots(Block& block, strips& memory, const rows_of<Stored>& a,
                                const rows_of<Stored>& b, const Finish& finish) {
    typename Block::template per_thread<fragment> sum;
    for (std::size_t first = 0; first < a.columns; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        for (unsigned i = thread; i < side * deep; i += threads) {
          memory.left[i % deep][i / deep] = a(i / deep, first + i % deep);
          memory.right[i % deep][i / deep] = b(i / deep, first + i % deep);
        }
      });
      add_strips(block, memory, sum);
    }
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i)
        for (unsigned j = 0; j < each; ++j) {
          const std::size_t r = thread / 16 * each + i, c = thread % 16 * each + j;
          at[r][c] = finish(r, c, sum[thread].of[i][j]);
        }
    });
  }

  /// sum[r][c] += Σ_k at[r][k]·b(k, left + c); with `Transposed`, at[k][r] instead of at[r][k].
  template <bool Transposed, class Block, class Stored, class Registers>
  PRETEXT_HOST_DEVICE void multiply(Block& block, strips& memory, const rows_of<Stored>& b, std::size_t left,
                                    Registers& sum) const {
    for (std::size_t first = 0; first < side; first += deep) {
      block.for_each_thread([&](unsigned thread) {
        for (unsigned i = thread; i < side * deep; i += threads) {
          const std::size_t d = i / side, c = i % side;
          memory.left[d][c] = Transposed ? at[first + d][c] : at[c][first + d];
          memory.right[d][c] = b(first + d, left + c);
        }
      });
      add_strips(block, memory, sum);
    }
  }

  /// Calls store(row, column, value) for a tile that threads hold in registers.
  template <class Block, class Registers, class Store>
  PRETEXT_HOST_DEVICE static void store_entries(Block& block, Registers& registers, const Store& store) {
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i)
        for (unsigned j = 0; j < each; ++j)
          store(thread / 16 * each + i, thread % 16 * each + j, registers[thread].of[i][j]);
    });
  }

 private:
  template <class Block, class Registers>
  PRETEXT_HOST_DEVICE static void add_strips(Block& block, const strips& memory, Registers& sum) {
    block.for_each_thread([&](unsigned thread) {
      fragment& local = sum[thread];
      const unsigned row = thread / 16 * each, column = thread % 16 * each;
      for (unsigned d = 0; d < deep; ++d)
        for (unsigned i = 0; i < each; ++i)
          for (unsigned j = 0; j < each; ++j)
            local.of[i][j] += memory.left[d][row + i] * memory.right[d][column + j];
    });
  }
};

/// log Σ exp over a part of a row: the maximum and Σ exp(x - maximum). Keeping both makes parts combine
/// without overflow.
template <class T>
struct partial_log_sum {
  T largest, sum;

  /// Combines parts in their order; NaN propagates.
  PRETEXT_HOST_DEVICE static partial_log_sum combine(const partial_log_sum* parts, std::size_t count) {
    T largest = minus_infinity<T>(), sum{0};
    for (std::size_t i = 0; i < count; ++i)
      largest =
          parts[i].largest > largest || parts[i].largest != parts[i].largest ? parts[i].largest : largest;
    for (std::size_t i = 0; i < count; ++i)
      if (parts[i].sum != T{0}) sum += parts[i].sum * std::exp(parts[i].largest - largest);
    return {largest, sum};
  }
};

/// Online log Σ exp of a tile's rows, tile after tile (Milakov & Gimelshein 2018): four threads share a
/// row.
template <class T>
class row_log_sums {
 public:
  using tile = square_tile<T>;
  static constexpr unsigned threads_per_row = tile::threads / tile::side;
  struct memory {
    partial_log_sum<T> of[tile::side][threads_per_row];
  };
  struct running {
    T largest, sum;
    bool begun;
  };

  template <class Block, class Registers>
  PRETEXT_HOST_DEVICE static void add(Block& block, const tile& square, Registers& state) {
    block.for_each_thread([&](unsigned thread) {
      running& local = state[thread];
      const T* const row = square.at[thread / threads_per_row];
      T largest = local.begun ? local.largest : minus_infinity<T>();
      for (unsigned c = thread % threads_per_row; c < tile::side; c += threads_per_row)
        largest = row[c] > largest || row[c] != row[c] ? row[c] : largest;
      if (largest == minus_infinity<T>()) return;  // every entry is masked
      T sum = local.begun ? local.sum * std::exp(local.largest - largest) : T{0};
      for (unsigned c = thread % threads_per_row; c < tile::side; c += threads_per_row)
        sum += std::exp(row[c] - largest);
      local = {largest, sum, true};
    });
  }

  /// Calls store(row, partial_log_sum) for every row.
  template <class Block, class Registers, class Store>
  PRETEXT_HOST_DEVICE static void finish(Block& block, memory& shared, Registers& state, const Store& store) {
    block.for_each_thread([&](unsigned thread) {
      const running& local = state[thread];
      shared.of[thread / threads_per_row][thread % threads_per_row] = {
          local.begun ? local.largest : minus_infinity<T>(), local.begun ? local.sum : T{0}};
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread < tile::side) store(thread, partial_log_sum<T>::combine(shared.of[thread], threads_per_row));
    });
  }
};

}  // namespace pretext::inline v0_1::grid
