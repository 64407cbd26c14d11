// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <initializer_list>

#include <pretext/kernels/gpu/block/column_sums.hpp>
#include <pretext/kernels/gpu/block/l2_normalize.hpp>
#include <pretext/kernels/gpu/layer_norm/by_warps.hpp>
#include <pretext/kernels/layer_norm.hpp>

namespace pretext::inline v0_1::grid {

/// One block of threads per row, N columns per thread and step.
template <class T, class W, unsigned N>
struct layer_norm_forward {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t columns;
  const T* x;
  W epsilon;
  const W *gamma, *beta;
  T* y;
  W *mean, *inverse;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index();
    const T* const from = x + row * columns;
    T* const to = y + row * columns;
    const double count = static_cast<double>(columns);
    const double sum = sum_of_row_vec<N>(block, memory, columns, [=](std::size_t c) {
      const auto v = load<N>(from + c);
      double partial = 0;
      for (unsigned k = 0; k < N; ++k) partial += static_cast<double>(v[k]);
      return partial;
    });
    const W m = static_cast<W>(sum / count);
    const double squares = sum_of_row_vec<N>(block, memory, columns, [=](std::size_t c) {
      const auto v = load<N>(from + c);
      double partial = 0;
      for (unsigned k = 0; k < N; ++k) partial += static_cast<double>((v[k] - m) * (v[k] - m));
      return partial;
    });
    const W i = W{1} / std::sqrt(static_cast<W>(squares / count) + epsilon);
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread * N; c < columns; c += row_threads * N) {
        auto v = load<N>(from + c);
        for (unsigned k = 0; k < N; ++k) v[k] = (v[k] - m) * i * gamma[c + k] + beta[c + k];
        store<N>(to + c, v);
      }
      if (thread == 0 && mean) mean[row] = m;
      if (thread == 0 && inverse) inverse[row] = i;
    });
  }
};

/// g·x̂ and g, whose column sums are the gradients of γ and β.
template <class T, class W>
struct layer_norm_moments {
  std::size_t columns;
  const T *dy, *x;
  const W *mean, *inverse;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&terms)[2]) const {
    const auto g = load<N>(dy + r * columns + c), from = load<N>(x + r * columns + c);
    for (unsigned k = 0; k < N; ++k) terms[0][k] = g[k] * ((from[k] - mean[r]) * inverse[r]);
    terms[1] = g;
  }
};

/// dx = (g - mean(g) - x̂·mean(g·x̂))/σ with g = dy∘γ, plus `shortcut` if it is not null.
template <class T, class W, unsigned N>
struct layer_norm_backward {
  static constexpr unsigned threads = row_threads;
  struct shared {
    double of[row_threads];
  };
  std::size_t columns;
  const T *dy, *x;
  const W *mean, *inverse, *gamma;
  const T* shortcut;
  T* dx;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    auto& memory = block.shared().of;
    const std::size_t row = block.index(), at = row * columns;
    const W m = mean[row], i = inverse[row];
    const double count = static_cast<double>(columns);
    const auto scaled_gradient = [=, this](std::size_t c) {
      auto g = load<N>(dy + at + c);
      for (unsigned k = 0; k < N; ++k) g[k] *= gamma[c + k];
      return g;
    };
    const auto normal = [=, this](std::size_t c) {
      auto v = load<N>(x + at + c);
      for (unsigned k = 0; k < N; ++k) v[k] = (v[k] - m) * i;
      return v;
    };
    const double sum = sum_of_row_vec<N>(block, memory, columns, [&](std::size_t c) {
      const auto g = scaled_gradient(c);
      double partial = 0;
      for (unsigned k = 0; k < N; ++k) partial += static_cast<double>(g[k]);
      return partial;
    });
    const double dot = sum_of_row_vec<N>(block, memory, columns, [&](std::size_t c) {
      const auto g = scaled_gradient(c), v = normal(c);
      double partial = 0;
      for (unsigned k = 0; k < N; ++k) partial += static_cast<double>(g[k] * v[k]);
      return partial;
    });
    const W mean_gradient = static_cast<W>(sum / count), mean_dot = static_cast<W>(dot / count);
    block.for_each_thread([&](unsigned thread) {
      for (std::size_t c = thread * N; c < columns; c += row_threads * N) {
        auto g = scaled_gradient(c);
        const auto v = normal(c);
        for (unsigned k = 0; k < N; ++k) g[k] = i * (g[k] - mean_gradient - v[k] * mean_dot);
        if (shortcut) {
          const auto addend = load<N>(shortcut + at + c);
          for (unsigned k = 0; k < N; ++k) g[k] += addend[k];
        }
        store<N>(dx + at + c, g);
      }
    });
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Matrices (rows, columns) have type T; statistics of rows and parameters of columns have type W.
template <Accelerator Device>
struct layer_norm<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, std::size_t rows, std::size_t columns, const T* x, W epsilon,
                      const W* gamma, const W* beta, T* y, W* mean, W* inverse) {
    if (rows == 0) return;
    if (by_warps<T>(columns, {x, y})) {
      using kernel = grid::layer_norm_forward_by_warps<T, W>;
      launch(context.stream, grid::ceil_div(rows, kernel::rows_per_block),
             kernel{rows, columns, 1 / static_cast<double>(columns), x, epsilon, gamma, beta,
                    grid::is_aligned(gamma) && grid::is_aligned(beta), y, mean, inverse});
      return;
    }
    const auto run = [&]<unsigned N>() {
      launch(context.stream, rows,
             grid::layer_norm_forward<T, W, N>{columns, x, epsilon, gamma, beta, y, mean, inverse});
    };
    if (grid::is_vectorizable<T>(columns, {x, y}))
      run.template operator()<grid::lanes<T>>();
    else
      run.template operator()<1>();
  }

  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t rows, std::size_t columns, const T* dy, const T* x,
                       const W* mean, const W* inverse, const W* gamma, const T* shortcut, T* dx, W* dgamma,
                       W* dbeta) {
    if (rows == 0) return;
    W* const totals[] = {dgamma, dbeta};
    if (by_warps<T>(columns, {dy, x, shortcut, dx})) {
      using kernel = grid::layer_norm_backward_by_warps<T, W>;
      const std::size_t rows_per_warp = kernel::rows_of_warp(rows),
                        blocks = grid::ceil_div(rows, rows_per_warp * kernel::warps);
      const arena_scope guard{context.workspace};
      double* const partial = context.workspace.template allocate<double>(blocks * 2 * columns);
      launch(context.stream, blocks,
             kernel{rows, columns, rows_per_warp, 1 / static_cast<double>(columns), dy, x, mean, inverse,
                    gamma, grid::is_aligned(gamma), shortcut, dx, partial});
      grid::add_partial_sums(context, columns, blocks, totals, partial);
      return;
    }
    grid::add_column_sums<T>(context, rows, columns, totals, {dy, x},
                             grid::layer_norm_moments<T, W>{columns, dy, x, mean, inverse});
    if (!dx) return;
    const auto run = [&]<unsigned N>() {
      launch(context.stream, rows,
             grid::layer_norm_backward<T, W, N>{columns, dy, x, mean, inverse, gamma, shortcut, dx});
    };
    if (grid::is_vectorizable<T>(columns, {dy, x, shortcut, dx}))
      run.template operator()<grid::lanes<T>>();
    else
      run.template operator()<1>();
  }

 private:
  template <class T>
  static bool by_warps(std::size_t columns, std::initializer_list<const void*> pointers) {
    return columns <= grid::row_part<T>::most_columns && grid::is_vectorizable<T>(columns, pointers);
  }
};

}  // namespace pretext::inline v0_1::kernels
