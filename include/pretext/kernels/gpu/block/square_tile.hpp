#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/bfloat16.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/gpu/block/matrix_rows.hpp>

namespace pretext::grid {

/// A square of numbers in shared memory that one block of threads makes, looks at and multiplies by.
template <class T>
struct square_tile {
  static constexpr std::size_t side = 64, deep = 16;
  static constexpr unsigned threads = 256, each = 4;  // 16 x 16 threads with 4 x 4 numbers each

  T at[side][side + 1];

  /// What products read, a few columns at a time.
  struct strips {
    T left[deep][side + 4], right[deep][side + 4];
  };
  /// A thread's own part of a square.
  struct numbers {
    T of[each][each];
  };

  /// `work(row, column)` for every place of the square.
  template <class Block, class Work>
  PRETEXT_HOST_DEVICE static void for_each_place(Block& block, const Work& work) {
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = thread; i < side * side; i += threads) work(i / side, i % side);
    });
  }

  /// at[r][c] = finish(r, c, Σ_d a(r, d)·b(c, d)).
  template <class Block, class Stored, class Finish>
  PRETEXT_HOST_DEVICE void dots(Block& block, strips& memory, const rows_of<Stored>& a,
                                const rows_of<Stored>& b, const Finish& finish) {
    typename Block::template per_thread<numbers> sum;
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

  /// sum[r][c] += Σ_k at[r][k]·b(k, left + c), or at[k][r] instead.
  template <bool Transposed, class Block, class Stored, class Own>
  PRETEXT_HOST_DEVICE void multiply(Block& block, strips& memory, const rows_of<Stored>& b, std::size_t left,
                                    Own& sum) const {
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

  /// `store(row, column, number)` for a square that lies with its threads.
  template <class Block, class Own, class Store>
  PRETEXT_HOST_DEVICE static void for_each_number(Block& block, Own& own, const Store& store) {
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i)
        for (unsigned j = 0; j < each; ++j)
          store(thread / 16 * each + i, thread % 16 * each + j, own[thread].of[i][j]);
    });
  }

 private:
  template <class Block, class Own>
  PRETEXT_HOST_DEVICE static void add_strips(Block& block, const strips& memory, Own& sum) {
    block.for_each_thread([&](unsigned thread) {
      numbers& own = sum[thread];
      const unsigned row = thread / 16 * each, column = thread % 16 * each;
      for (unsigned d = 0; d < deep; ++d)
        for (unsigned i = 0; i < each; ++i)
          for (unsigned j = 0; j < each; ++j)
            own.of[i][j] += memory.left[d][row + i] * memory.right[d][column + j];
    });
  }
};

/// log Σ exp of a row in one part of it: the largest number, and Σ exp(number - largest).
template <class T>
struct partial_log_sum {
  T largest, sum;

  /// Several as one, in their order.
  PRETEXT_HOST_DEVICE static partial_log_sum joined(const partial_log_sum* some, std::size_t count) {
    T largest = minus_infinity<T>(), sum{0};
    for (std::size_t i = 0; i < count; ++i)
      largest = some[i].largest > largest || some[i].largest != some[i].largest ? some[i].largest : largest;
    for (std::size_t i = 0; i < count; ++i)
      if (some[i].sum != T{0}) sum += some[i].sum * std::exp(some[i].largest - largest);
    return {largest, sum};
  }
};

/// log Σ exp of the rows of a square, tile after tile: four threads share a row.
template <class T>
class row_log_sums {
 public:
  using tile = square_tile<T>;
  static constexpr unsigned sharing = tile::threads / tile::side;
  struct memory {
    partial_log_sum<T> of[tile::side][sharing];
  };
  struct so_far {
    T largest, sum;
    bool begun;
  };

  template <class Block, class Own>
  PRETEXT_HOST_DEVICE static void add(Block& block, const tile& square, Own& online) {
    block.for_each_thread([&](unsigned thread) {
      so_far& own = online[thread];
      const T* const row = square.at[thread / sharing];
      T largest = own.begun ? own.largest : minus_infinity<T>();
      for (unsigned c = thread % sharing; c < tile::side; c += sharing)
        largest = row[c] > largest || row[c] != row[c] ? row[c] : largest;
      if (largest == minus_infinity<T>()) return;  // nothing counts here
      T sum = own.begun ? own.sum * std::exp(own.largest - largest) : T{0};
      for (unsigned c = thread % sharing; c < tile::side; c += sharing) sum += std::exp(row[c] - largest);
      own = {largest, sum, true};
    });
  }

  /// `store(row, partial_log_sum)` for every row.
  template <class Block, class Own, class Store>
  PRETEXT_HOST_DEVICE static void finish(Block& block, memory& shared, Own& online, const Store& store) {
    block.for_each_thread([&](unsigned thread) {
      const so_far& own = online[thread];
      shared.of[thread / sharing][thread % sharing] = {own.begun ? own.largest : minus_infinity<T>(),
                                                       own.begun ? own.sum : T{0}};
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread < tile::side) store(thread, partial_log_sum<T>::joined(shared.of[thread], sharing));
    });
  }
};

}  // namespace pretext::grid
