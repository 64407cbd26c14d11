#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/cuda/loss_of_rows.hpp>
#include <pretext/kernels/cuda/similarity_tiles.hpp>
#include <pretext/kernels/cuda/unit_rows.hpp>
#include <pretext/kernels/nt_xent.hpp>

// With l_i = log Σ_j exp(s_ij) the gradient is
//   ∂L/∂u_i = [Σ_j (exp(s_ij - l_i) + exp(s_ij - l_j)) u_j - 2 u_p(i)] / (rows·τ),
// so the backward pass needs the l and a second look at each tile; neither exponential exceeds 1.
namespace pretext::grid {

template <class T>
struct log_sums_of_part {
  using sums = row_log_sums<T>;
  static constexpr unsigned threads = square_tile<T>::threads;
  struct shared {
    square_tile<T> tile;
    typename square_tile<T>::strips strips;
    typename sums::memory sums_of_rows;
  };
  similarity_tiles<T> all;
  partial_log_sum<T>* partial;  ///< (rows, parts)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<typename sums::so_far> online;
    const std::size_t part = block.index() % all.parts(), top = block.index() / all.parts() * all.side;
    for (std::size_t tile = all.first_tile(part); tile < all.last_tile(part); ++tile) {
      all.fill(block, memory.tile, memory.strips, top, tile * all.side);
      sums::add(block, memory.tile, online);
    }
    sums::finish(block, memory.sums_of_rows, online, [&](std::size_t row, const partial_log_sum<T>& sum) {
      if (top + row < all.rows) partial[(top + row) * all.parts() + part] = sum;
    });
  }
};

/// log Σ exp(s) of each row, and the row's part of the loss.
template <class T>
struct losses_of_rows {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  similarity_tiles<T> all;
  const partial_log_sum<T>* partial;
  T* log_sum;
  double* value;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index();
    const T *u = all.unit + row * all.columns,
            *positive = all.unit + (row + all.rows / 2) % all.rows * all.columns;
    const double dot = sum_of_row(block, block.shared().of, all.columns, [=](std::size_t c) {
      return static_cast<double>(u[c]) * static_cast<double>(positive[c]);
    });
    block.each([&](unsigned thread) {
      if (thread != 0) return;
      const auto whole = partial_log_sum<T>::joined(partial + row * all.parts(), all.parts());
      const double total = static_cast<double>(whole.largest) + std::log(static_cast<double>(whole.sum));
      log_sum[row] = static_cast<T>(total);
      value[row] = total - dot * static_cast<double>(all.scale);
    });
  }
};

/// Σ_j (exp(s_ij - l_i) + exp(s_ij - l_j)) u_j over a part of the j, for some columns of u.
template <class T>
struct gradients_of_part {
  static constexpr unsigned threads = square_tile<T>::threads;
  struct shared {
    square_tile<T> tile;
    typename square_tile<T>::strips strips;
  };
  similarity_tiles<T> all;
  const T* log_sum;
  T* partial;  ///< (parts, rows, columns)

  PRETEXT_HOST_DEVICE constexpr std::size_t chunks() const { return ceil_div(all.columns, all.side); }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    auto& at = memory.tile.at;
    typename Block::template own<typename square_tile<T>::numbers> sum;
    const std::size_t left = block.index() % chunks() * all.side, above = block.index() / chunks();
    const std::size_t part = above % all.parts(), top = above / all.parts() * all.side;
    for (std::size_t tile = all.first_tile(part); tile < all.last_tile(part); ++tile) {
      const std::size_t first = tile * all.side;
      all.fill(block, memory.tile, memory.strips, top, first);
      memory.tile.for_each_place(block, [&](std::size_t r, std::size_t c) {
        const bool inside = top + r < all.rows && first + c < all.rows;
        at[r][c] =
            inside ? std::exp(at[r][c] - log_sum[top + r]) + std::exp(at[r][c] - log_sum[first + c]) : T{0};
      });
      memory.tile.template multiply<false>(block, memory.strips, all.from(first), left, sum);
    }
    memory.tile.for_each_number(block, sum, [&](std::size_t r, std::size_t c, T number) {
      if (top + r < all.rows && left + c < all.columns)
        partial[(part * all.rows + top + r) * all.columns + left + c] = number;
    });
  }
};

/// The parts together, and back through the normalisation.
template <class T>
struct gradients_of_rows {
  using R = arithmetic<T>;
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  similarity_tiles<R> all;
  R scale;
  const R* inverse;
  R* partial;
  T* dz;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index(), columns = all.columns, size = all.rows * columns;
    const R *u = all.unit + row * columns, *positive = all.unit + (row + all.rows / 2) % all.rows * columns;
    R* const slope = partial + row * columns;
    block.each([&](unsigned thread) {
      for (std::size_t c = thread; c < columns; c += row_threads) {
        R sum = slope[c];
        for (std::size_t part = 1; part < all.parts(); ++part) sum += slope[part * size + c];
        slope[c] = scale * (sum - 2 * positive[c]);
      }
    });
    add_row_gradient(
        block, block.shared().of, columns, inverse[row], [=](std::size_t c) { return u[c]; },
        [=](std::size_t c) { return slope[c]; }, dz + row * columns);
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct nt_xent<Device> {
  template <class Place, class T>
  static auto run(Place& place, std::size_t rows, std::size_t columns, double temperature, double factor,
                  const T* z, T* dz) {
    detail::expects_pairs(rows, temperature);
    const borrowed guard{place.scratch};
    using R = arithmetic<T>;
    R* const unit = place.scratch.template take<R>(rows * columns);
    R* const inverse = place.scratch.template take<R>(rows);
    const grid::similarity_tiles<R> all{rows, columns, static_cast<R>(1 / temperature), unit};
    auto* const partial = place.scratch.template take<grid::partial_log_sum<R>>(rows * all.parts());
    R* const log_sum = place.scratch.template take<R>(rows);
    double* const value = place.scratch.template take<double>(rows);
    R* const slopes = place.scratch.template take<R>(all.parts() * rows * columns);

    launch(place.stream, rows, grid::normalise_rows<T>{columns, z, unit, inverse});
    launch(place.stream, all.blocks() * all.parts(), grid::log_sums_of_part<R>{all, partial});
    launch(place.stream, rows, grid::losses_of_rows<R>{all, partial, log_sum, value});
    const grid::gradients_of_part<R> gradients{all, log_sum, slopes};
    launch(place.stream, all.blocks() * all.parts() * gradients.chunks(), gradients);
    const R scale = static_cast<R>(factor / (static_cast<double>(rows) * temperature));
    launch(place.stream, rows, grid::gradients_of_rows<T>{all, scale, inverse, slopes, dz});
    return grid::loss_of_rows(place, rows, factor / static_cast<double>(rows), value);
  }
};

}  // namespace pretext::kernels
