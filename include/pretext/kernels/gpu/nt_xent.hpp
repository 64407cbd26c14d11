// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/block/row_loss.hpp>
#include <pretext/kernels/gpu/nt_xent/similarity_tiles.hpp>
#include <pretext/kernels/nt_xent.hpp>

// With l_i = log Σ_j exp(s_ij) the gradient is ∂L/∂u_i = Σ_j w_ij u_j / (rows·τ),   w_ij = exp(s_ij - l_i)
// + exp(s_ij - l_j) - 2·[j is i's positive], so the backward pass needs only l and recomputes each tile of
// similarities; neither exponential exceeds 1. The positive is part of the weight rather than a term of its
// own, so that a weight close to zero keeps its precision where weights are rounded to bfloat16.
namespace pretext::inline v0_1::grid {

/// log Σ exp(s) of 64 rows over one part of the columns.
template <class U>
struct partial_log_sums {
  using tiles = similarity_tiles<U>;
  using T = typename tiles::compute_type;
  using sums = row_log_sums<T>;
  static constexpr unsigned threads = tiles::threads, blocks_at_once = 2;
  struct shared {
    square_tile<T> tile;
    typename tiles::memory products;
    typename sums::memory row_sums;
  };
  tiles all;
  partial_log_sum<T>* partial;  ///< (rows, parts)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template per_thread<typename sums::running> state;
    const std::size_t part = block.index() % all.parts(), top = block.index() / all.parts() * all.side;
    for (std::size_t tile = all.first_tile(part); tile < all.last_tile(part); ++tile) {
      const std::size_t first = tile * all.side;
      all.fill(block, memory.products, memory.tile, top, first, 0, tile == all.first_tile(part),
               [&](std::size_t r, std::size_t c, T s) {
                 return all.included(top + r, first + c) ? s : minus_infinity<T>();
               });
      sums::add(block, memory.tile, state);
    }
    sums::finish(block, memory.row_sums, state, [&](std::size_t row, const partial_log_sum<T>& sum) {
      if (top + row < all.rows) partial[(top + row) * all.parts() + part] = sum;
    });
  }
};

/// log Σ exp(s) of each row, and the row's loss.
template <class U>
struct row_losses {
  using T = arithmetic<U>;
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  similarity_tiles<U> all;
  const partial_log_sum<T>* partial;
  T* log_sum;
  double* value;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index();
    const U *u = all.unit + row * all.stride(), *positive = all.unit + all.positive(row) * all.stride();
    const double dot = sum_of_row(block, block.shared().of, all.columns, [=](std::size_t c) {
      return static_cast<double>(u[c]) * static_cast<double>(positive[c]);
    });
    block.for_each_thread([&](unsigned thread) {
      if (thread != 0) return;
      const auto combined = partial_log_sum<T>::combine(partial + row * all.parts(), all.parts());
      const double total =
          static_cast<double>(combined.largest) + std::log(static_cast<double>(combined.sum));
      log_sum[row] = static_cast<T>(total);
      value[row] = total - dot * static_cast<double>(all.scale);
    });
  }
};

/// Σ_j w_ij u_j over one part of the j, for a chunk of columns of u.
template <class U>
struct partial_gradients {
  using tiles = similarity_tiles<U>;
  using T = typename tiles::compute_type;
  static constexpr unsigned threads = tiles::threads, blocks_at_once = 2;
  struct shared {
    typename tiles::weights tile;
    typename tiles::memory products;
  };
  tiles all;
  const T* log_sum;
  T* partial;  ///< (parts, rows, stride)

  PRETEXT_HOST_DEVICE constexpr std::size_t chunks() const { return ceil_div(all.columns, tiles::wide); }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename tiles::template sums<Block> sum;
    const std::size_t left = block.index() % chunks() * tiles::wide, above = block.index() / chunks();
    const std::size_t part = above % all.parts(), top = above / all.parts() * all.side;
    for (std::size_t tile = all.first_tile(part); tile < all.last_tile(part); ++tile) {
      const std::size_t first = tile * all.side;
      all.fill(block, memory.products, memory.tile, top, first, left, tile == all.first_tile(part),
               [&](std::size_t r, std::size_t c, T s) { return weight(top + r, first + c, s); });
      all.multiply(block, memory.products, memory.tile, first, left, sum);
    }
    const rows_to<T> part_rows{partial + part * all.rows * all.stride(), all.stride(), all.rows, all.columns};
    all.store(block, memory.products, sum, left, part_rows.from(top));
  }

 private:
  PRETEXT_HOST_DEVICE T weight(std::size_t i, std::size_t j, T s) const {
    if (!all.included(i, j)) return T{0};
    const T positive = j == all.positive(i) ? T{2} : T{0};
    return std::exp(s - log_sum[i]) + std::exp(s - log_sum[j]) - positive;
  }
};

/// Adds the parts and applies the backward pass of the normalization.
template <class T>
struct row_gradients {
  using R = arithmetic<T>;
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  similarity_extents all;
  R scale;
  const T* z;
  const R* inverse;
  R* partial;
  T* dz;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index(), columns = all.columns, size = all.rows * all.stride();
    const T* const from = z + row * columns;
    const R factor = inverse[row];
    R* const gradient = partial + row * all.stride();
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread; c < columns; c += row_threads) {
        R sum = gradient[c];
        for (std::size_t part = 1; part < all.parts(); ++part) sum += gradient[part * size + c];
        gradient[c] = scale * sum;
      }
    });
    add_row_gradient(
        block, block.shared().of, columns, factor,
        [=](std::size_t c) { return static_cast<R>(from[c]) * factor; },
        [=](std::size_t c) { return gradient[c]; }, dz + row * columns);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Five kernels and a sum over the rows: normalize, partial log-sum-exps, losses per row, partial gradients,
/// gradients per row.
template <Accelerator Device>
struct nt_xent<Device> {
  template <class Context, class T>
  static auto run(Context& context, std::size_t rows, std::size_t columns, double temperature, double factor,
                  const T* z, T* dz) {
    detail::expects_pairs(rows, temperature);
    const arena_scope guard{context.workspace};
    // Unit vectors have z's type, so that bfloat16 ones are multiplied on tensor cores.
    using R = arithmetic<T>;
    const grid::similarity_extents e{rows, columns};
    T* const unit = context.workspace.template allocate<T>(rows * e.stride());
    R* const inverse = context.workspace.template allocate<R>(rows);
    const grid::similarity_tiles<T> all{e, static_cast<R>(1 / temperature), unit};
    auto* const partial = context.workspace.template allocate<grid::partial_log_sum<R>>(rows * all.parts());
    R* const log_sum = context.workspace.template allocate<R>(rows);
    double* const value = context.workspace.template allocate<double>(rows);
    R* const gradients = context.workspace.template allocate<R>(e.parts() * rows * e.stride());

    launch(context.stream, rows, grid::normalise_rows<T, T>{columns, e.stride(), z, unit, inverse});
    launch(context.stream, all.blocks() * all.parts(), grid::partial_log_sums<T>{all, partial});
    launch(context.stream, rows, grid::row_losses<T>{all, partial, log_sum, value});
    const grid::partial_gradients<T> kernel{all, log_sum, gradients};
    launch(context.stream, all.blocks() * all.parts() * kernel.chunks(), kernel);
    const R scale = static_cast<R>(factor / (static_cast<double>(rows) * temperature));
    launch(context.stream, rows, grid::row_gradients<T>{e, scale, z, inverse, gradients, dz});
    return grid::row_loss(context, rows, factor / static_cast<double>(rows), value);
  }
};

}  // namespace pretext::inline v0_1::kernels
