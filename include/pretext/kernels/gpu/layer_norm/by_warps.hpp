// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/block/vector_access.hpp>

// Layer norm of rows that one warp keeps in its registers: each row is read once and no barrier is needed.
namespace pretext::inline v0_1::grid {

/// The part of a row that a thread keeps, of rows that one warp handles: vectors that are 16 bytes in memory.
template <class T>
struct row_part {
  static constexpr unsigned width = lanes<T>, count = 32 / width, most_columns = 32 * 32;
  vec<arithmetic<T>, width> of[count];

  /// Calls f(index of the vector, its first column) for the vectors of a thread.
  template <class F>
  PRETEXT_HOST_DEVICE static void for_each(unsigned thread, std::size_t columns, const F& f) {
    for (unsigned v = 0; v < count; ++v)
      if (const std::size_t c = (v * 32 + thread % 32) * width; c < columns) f(v, c);
  }
};

/// layer_norm_forward with one warp per row of at most row_part::most_columns columns; a thread adds its part
/// in R, the warp in double.
template <class T, class W>
struct layer_norm_forward_by_warps {
  using R = arithmetic<T>;
  using part = row_part<T>;
  static constexpr unsigned threads = 256, rows_per_block = threads / 32, width = part::width;
  using shared = no_memory;
  std::size_t rows, columns;
  double share;  ///< 1 / columns
  const T* x;
  W epsilon;
  const W *gamma, *beta;
  bool aligned;  ///< gamma and beta
  T* y;
  W *mean, *inverse;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    typename Block::template per_thread<part> kept;
    typename Block::template per_thread<double> sum, squares;
    const std::size_t first = block.index() * rows_per_block;
    block.without_barrier([&](unsigned thread) {
      const std::size_t row = first + thread / 32;
      if (row >= rows) return;
      R partial{0};
      part::for_each(thread, columns, [&](unsigned v, std::size_t c) {
        const auto value = kept[thread].of[v] = load<width>(x + row * columns + c);
        for (unsigned k = 0; k < width; ++k) partial += value[k];
      });
      sum[thread] = static_cast<double>(partial);
    });
    block.sum_in_warps(sum);
    block.without_barrier([&](unsigned thread) {
      const W m = static_cast<W>(sum[thread] * share);
      R partial{0};
      part::for_each(thread, columns, [&](unsigned v, std::size_t) {
        auto& value = kept[thread].of[v];
        for (unsigned k = 0; k < width; ++k) {
          value[k] -= m;
          partial += value[k] * value[k];
        }
      });
      squares[thread] = static_cast<double>(partial);
    });
    block.sum_in_warps(squares);
    block.without_barrier([&](unsigned thread) {
      const std::size_t row = first + thread / 32;
      if (row >= rows) return;
      const W i = W{1} / std::sqrt(static_cast<W>(squares[thread] * share) + epsilon);
      part::for_each(thread, columns, [&](unsigned v, std::size_t c) {
        auto value = kept[thread].of[v];
        const auto factor = load<width>(gamma + c, aligned), offset = load<width>(beta + c, aligned);
        for (unsigned k = 0; k < width; ++k) value[k] = value[k] * i * factor[k] + offset[k];
        store<width>(y + row * columns + c, value);
      });
      if (thread % 32 == 0 && mean) mean[row] = static_cast<W>(sum[thread] * share);
      if (thread % 32 == 0 && inverse) inverse[row] = i;
    });
  }
};

/// layer_norm_backward with one warp per row, and the sums over the rows that are the gradients of γ and β: a
/// warp adds those of its rows in R and in shared memory, the block adds its warps' in double. `dx` may be
/// null.
template <class T, class W>
struct layer_norm_backward_by_warps {
  using R = arithmetic<T>;
  using part = row_part<T>;
  static constexpr unsigned warps = 32 / sizeof(R), threads = 32 * warps, width = part::width;
  /// Sums are stored in groups of 16 bytes, those of neighbouring threads side by side.
  static constexpr unsigned quad = 16 / sizeof(R), quads = width / quad;
  struct shared {
    R of[warps][2][part::count][quads][32][quad];
  };
  /// So many rows that there are two blocks for each of an H200's 132 multiprocessors, and at most 32.
  static constexpr std::size_t rows_of_warp(std::size_t rows) {
    return smaller(ceil_div(rows, std::size_t{2 * 132 * warps}), 32);
  }
  std::size_t rows, columns, rows_per_warp;
  double share;  ///< 1 / columns
  const T *dy, *x;
  const W *mean, *inverse, *gamma;
  bool aligned;  ///< gamma
  const T* shortcut;
  T* dx;
  double* partial;  ///< (blocks, 2, columns)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    block.without_barrier([&](unsigned thread) {  // each thread's own
      for (unsigned which = 0; which < 2; ++which)
        for (unsigned v = 0; v < part::count; ++v)
          for (unsigned q = 0; q < quads; ++q)
            store<quad>(memory.of[thread / 32][which][v][q][thread % 32], vec<R, quad>{});
    });
    for (std::size_t turn = 0; turn < rows_per_warp; ++turn) take_rows(block, turn);
    block.for_each_thread([](unsigned) {});  // a barrier
    block.for_each_thread([&](unsigned thread) {
      for (unsigned i = thread; i < 2 * part::most_columns; i += threads) {
        const unsigned k = i % quad, lane = i / quad % 32, q = i / quad / 32 % quads,
                       v = i / (32 * width) % part::count, s = i / part::most_columns;
        const std::size_t column = (v * 32 + lane) * width + q * quad + k;
        if (column >= columns) continue;
        double sum = 0;
        for (unsigned w = 0; w < warps; ++w) sum += static_cast<double>(memory.of[w][s][v][q][lane][k]);
        partial[(block.index() * 2 + s) * columns + column] = sum;
      }
    });
  }

 private:
  /// A row for each warp.
  template <class Block>
  PRETEXT_HOST_DEVICE void take_rows(Block& block, std::size_t turn) const {
    typename Block::template per_thread<part> scaled, centred;  // dy·γ and x - mean
    typename Block::template per_thread<double> sum, dot;
    const std::size_t first = (block.index() * rows_per_warp + turn) * warps;
    block.without_barrier([&](unsigned thread) {
      const std::size_t row = first + thread / 32;
      if (row >= rows) return;
      const W m = mean[row], i = inverse[row];
      R gradients{0}, products{0};
      auto& sums = block.shared().of[thread / 32];
      part::for_each(thread, columns, [&](unsigned v, std::size_t c) {
        auto& d = centred[thread].of[v] = load<width>(x + row * columns + c);
        auto& s = scaled[thread].of[v] = load<width>(gamma + c, aligned);
        const auto g = load<width>(dy + row * columns + c);
        for (unsigned q = 0; q < quads; ++q) {
          R* const products_at = sums[0][v][q][thread % 32];
          R* const gradients_at = sums[1][v][q][thread % 32];
          auto sum_of_products = load<quad>(static_cast<const R*>(products_at));
          auto sum_of_gradients = load<quad>(static_cast<const R*>(gradients_at));
          for (unsigned j = 0; j < quad; ++j) {
            const unsigned k = q * quad + j;
            d[k] -= m;
            s[k] *= g[k];
            const R normal = d[k] * i;
            gradients += s[k];
            products += s[k] * normal;
            sum_of_products[j] += g[k] * normal;
            sum_of_gradients[j] += g[k];
          }
          store<quad>(products_at, sum_of_products);
          store<quad>(gradients_at, sum_of_gradients);
        }
      });
      sum[thread] = static_cast<double>(gradients);
      dot[thread] = static_cast<double>(products);
    });
    if (!dx) return;
    block.sum_in_warps(sum);
    block.sum_in_warps(dot);
    block.without_barrier([&](unsigned thread) {
      const std::size_t row = first + thread / 32;
      if (row >= rows) return;
      const W i = inverse[row], constant = -i * static_cast<W>(sum[thread] * share),
              slope = -i * i * static_cast<W>(dot[thread] * share);
      part::for_each(thread, columns, [&](unsigned v, std::size_t c) {
        auto g = scaled[thread].of[v];
        for (unsigned k = 0; k < width; ++k) g[k] = i * g[k] + (slope * centred[thread].of[v][k] + constant);
        if (shortcut) {
          const auto addend = load<width>(shortcut + row * columns + c);
          for (unsigned k = 0; k < width; ++k) g[k] += addend[k];
        }
        store<width>(dx + row * columns + c, g);
      });
    });
  }
};

}  // namespace pretext::inline v0_1::grid
