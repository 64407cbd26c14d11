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

/// The largest similarity of a row in one part of the columns, and Σ exp(s - largest).
template <class T>
struct partial_log_sum {
  T largest, sum;
};

template <class T>
struct log_sums_of_part {
  using tiles = similarity_tiles<T>;
  static constexpr unsigned threads = tiles::threads, sharing = 4;  // threads that share a row
  static_assert(threads == sharing * tiles::side);
  struct shared {
    typename tiles::memory tile;
    partial_log_sum<T> of[tiles::side][sharing];
  };
  struct so_far {
    T largest, sum;
    bool begun;
  };
  tiles all;
  partial_log_sum<T>* partial;  ///< (rows, parts)

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared();
    typename Block::template own<so_far> online;
    const std::size_t top = block.index() / all.parts() * tiles::side, part = block.index() % all.parts();
    const std::size_t begin = part * all.tiles_of_part(),
                      end = smaller(begin + all.tiles_of_part(), all.blocks());
    for (std::size_t tile = begin; tile < end; ++tile) {
      all.fill(block, memory.tile, top, tile * tiles::side);
      block.each([&](unsigned thread) {
        so_far& own = online[thread];
        const T* const row = memory.tile.at[thread / sharing];
        T largest = own.begun ? own.largest : minus_infinity<T>();
        for (unsigned c = thread % sharing; c < tiles::side; c += sharing)
          largest = row[c] > largest || row[c] != row[c] ? row[c] : largest;
        if (largest == minus_infinity<T>()) return;  // nothing counts here
        T sum = own.begun ? own.sum * std::exp(own.largest - largest) : T{0};
        for (unsigned c = thread % sharing; c < tiles::side; c += sharing) sum += std::exp(row[c] - largest);
        own = {largest, sum, true};
      });
    }
    block.each([&](unsigned thread) {
      const so_far& own = online[thread];
      memory.of[thread / sharing][thread % sharing] = {
          own.begun ? own.largest : minus_infinity<T>(), own.begun ? own.sum : T{0}};
    });
    block.each([&](unsigned thread) {
      if (thread >= tiles::side || top + thread >= all.rows) return;
      partial[(top + thread) * all.parts() + part] = joined(memory.of[thread], sharing);
    });
  }

  /// Several as one.
  PRETEXT_HOST_DEVICE static partial_log_sum<T> joined(const partial_log_sum<T>* some, std::size_t count) {
    T largest = minus_infinity<T>(), sum{0};
    for (std::size_t i = 0; i < count; ++i)
      largest = some[i].largest > largest || some[i].largest != some[i].largest ? some[i].largest : largest;
    for (std::size_t i = 0; i < count; ++i)
      if (some[i].sum != T{0}) sum += some[i].sum * std::exp(some[i].largest - largest);
    return {largest, sum};
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
      const auto whole = log_sums_of_part<T>::joined(partial + row * all.parts(), all.parts());
      const double total = static_cast<double>(whole.largest) + std::log(static_cast<double>(whole.sum));
      log_sum[row] = static_cast<T>(total);
      value[row] = total - dot * static_cast<double>(all.scale);
    });
  }
};

/// Σ_j (exp(s_ij - l_i) + exp(s_ij - l_j)) u_j over a part of the j, for some columns of u.
template <class T>
struct gradients_of_part {
  using tiles = similarity_tiles<T>;
  static constexpr unsigned threads = tiles::threads;
  struct shared {
    typename tiles::memory tile;
  };
  tiles all;
  const T* log_sum;
  T* partial;  ///< (parts, rows, columns)

  PRETEXT_HOST_DEVICE constexpr std::size_t chunks() const { return ceil_div(all.columns, tiles::side); }

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    constexpr std::size_t side = tiles::side, deep = tiles::deep;
    constexpr unsigned each = tiles::each;
    auto& m = block.shared().tile;
    typename Block::template own<typename tiles::numbers> sum;
    const std::size_t left = block.index() % chunks() * side, above = block.index() / chunks();
    const std::size_t part = above % all.parts(), top = above / all.parts() * side;
    const std::size_t begin = part * all.tiles_of_part(),
                      end = smaller(begin + all.tiles_of_part(), all.blocks());
    for (std::size_t tile = begin; tile < end; ++tile) {
      const std::size_t first = tile * side;
      all.fill(block, m, top, first);
      block.each([&](unsigned thread) {
        for (unsigned i = thread; i < side * side; i += threads) {
          const std::size_t r = i / side, c = i % side;
          if (top + r >= all.rows || first + c >= all.rows)
            m.at[r][c] = T{0};
          else
            m.at[r][c] = std::exp(m.at[r][c] - log_sum[top + r]) + std::exp(m.at[r][c] - log_sum[first + c]);
        }
      });
      for (std::size_t done = 0; done < side; done += deep) {
        block.each([&](unsigned thread) {
          for (unsigned i = thread; i < side * deep; i += threads) {
            const std::size_t d = i / side, c = i % side, row = first + done + d;
            m.right[d][c] =
                row < all.rows && left + c < all.columns ? all.unit[row * all.columns + left + c] : T{0};
          }
        });
        block.each([&](unsigned thread) {
          for (unsigned d = 0; d < deep; ++d)
            for (unsigned i = 0; i < each; ++i)
              for (unsigned j = 0; j < each; ++j)
                sum[thread].of[i][j] +=
                    m.at[thread / 16 * each + i][done + d] * m.right[d][thread % 16 * each + j];
        });
      }
    }
    block.each([&](unsigned thread) {
      for (unsigned i = 0; i < each; ++i)
        for (unsigned j = 0; j < each; ++j) {
          const std::size_t row = top + thread / 16 * each + i, column = left + thread % 16 * each + j;
          if (row < all.rows && column < all.columns)
            partial[(part * all.rows + row) * all.columns + column] = sum[thread].of[i][j];
        }
    });
  }
};

/// The parts together, and back through the normalisation.
template <class T>
struct gradients_of_rows {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  similarity_tiles<T> all;
  T scale;
  const T* inverse;
  T *partial, *dz;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const std::size_t row = block.index(), columns = all.columns, size = all.rows * columns;
    const T *u = all.unit + row * columns, *positive = all.unit + (row + all.rows / 2) % all.rows * columns;
    T* const slope = partial + row * columns;
    block.each([&](unsigned thread) {
      for (std::size_t c = thread; c < columns; c += row_threads) {
        T sum = slope[c];
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
    T* const unit = place.scratch.template take<T>(rows * columns);
    T* const inverse = place.scratch.template take<T>(rows);
    const grid::similarity_tiles<T> all{rows, columns, static_cast<T>(1 / temperature), unit};
    auto* const partial = place.scratch.template take<grid::partial_log_sum<T>>(rows * all.parts());
    T* const log_sum = place.scratch.template take<T>(rows);
    double* const value = place.scratch.template take<double>(rows);
    T* const slopes = place.scratch.template take<T>(all.parts() * rows * columns);

    launch(place.stream, rows, grid::normalise_rows<T>{columns, z, unit, inverse});
    launch(place.stream, all.blocks() * all.parts(), grid::log_sums_of_part<T>{all, partial});
    launch(place.stream, rows, grid::losses_of_rows<T>{all, partial, log_sum, value});
    const grid::gradients_of_part<T> gradients{all, log_sum, slopes};
    launch(place.stream, all.blocks() * all.parts() * gradients.chunks(), gradients);
    const T scale = static_cast<T>(factor / (static_cast<double>(rows) * temperature));
    launch(place.stream, rows, grid::gradients_of_rows<T>{all, scale, inverse, slopes, dz});
    return grid::loss_of_rows(place, rows, factor / static_cast<double>(rows), value);
  }
};

}  // namespace pretext::kernels
