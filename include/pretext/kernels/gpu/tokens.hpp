// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/gpu/pooling.hpp>
#include <pretext/kernels/gpu/shuffled_tokens/inverse_index.hpp>
#include <pretext/kernels/tokens.hpp>

namespace pretext::inline v0_1::grid {

/// The class token followed by the selected tokens, plus positional embeddings.
template <class T, class W>
struct add_class_token {
  std::size_t width;
  kernels::index_list selected;
  const T* x;
  const W *first, *positions;
  T* y;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t c = i % width, token = i / width % (1 + selected.count),
                      n = i / width / (1 + selected.count);
    const std::size_t position = token == 0 ? 0 : 1 + selected.position(n, token - 1);
    vec<W, N> value;
    if (token == 0)
      for (unsigned k = 0; k < N; ++k) value[k] = first[c + k];
    else
      value = load<N>(x + (n * selected.count + token - 1) * width + c);
    for (unsigned k = 0; k < N; ++k) value[k] += positions[position * width + c + k];
    store<N>(y + i, value);
  }
};

/// dx = dy without each sample's first token.
template <class T>
struct drop_class_token {
  std::size_t width, count;
  const T* dy;
  T* dx;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t row = i / width;
    store<N>(dx + i, load<N>(dy + (row + row / count + 1) * width + i % width));
  }
};

/// The gradients of the class token and the positions: each element sums the tokens that used it, sample by
/// sample.
template <class T, class W>
struct sum_over_batch {
  std::size_t batch, width;
  inverse_index ranks;
  std::size_t count;
  const T* dy;
  W *dfirst, *dpositions;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t row = i / width, c = i % width, tokens = 1 + count;
    double sum = 0;
    for (std::size_t n = 0; n < batch; ++n) {
      const std::size_t token = row == 0 ? 0 : 1 + ranks.rank(n, row - 1);
      if (token < tokens) sum += static_cast<double>(dy[(n * tokens + token) * width + c]);
    }
    if (row == 0 && dfirst) dfirst[c] += static_cast<W>(sum);
    if (dpositions) dpositions[i] += static_cast<W>(sum);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Gradients of parameters are gathered over the batch, so no two threads add to the same element.
template <Accelerator Device>
struct prepend_class_token<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, std::size_t batch, std::size_t width, const index_list& selected,
                      const T* x, const W* first, const W* positions, T* y) {
    grid::parallel_for_vec<T>(context, batch * (1 + selected.count) * width, width, {x, y},
                              grid::add_class_token<T, W>{width, selected, x, first, positions, y});
  }

  template <class Context, class T, class W>
  static void backward(Context& context, std::size_t batch, std::size_t width, const index_list& selected,
                       const T* dy, T* dx, W* dfirst, W* dpositions) {
    if (dx)
      grid::parallel_for_vec<T>(context, batch * selected.count * width, width, {dy, dx},
                                grid::drop_class_token<T>{width, selected.count, dy, dx});
    if (!dfirst && !dpositions) return;
    const arena_scope guard{context.workspace};
    const std::size_t patches = selected.ids ? selected.stride : selected.count;
    const auto inverse = dpositions ? grid::invert(context, batch, patches, selected) : grid::inverse_index{};
    grid::parallel_for(
        context, dpositions ? (1 + patches) * width : width,
        grid::sum_over_batch<T, W>{batch, width, inverse, selected.count, dy, dfirst, dpositions});
  }
};

/// One thread per element.
template <Accelerator Device>
struct token_mean<Device> {
  template <class Context, class T>
  static void forward(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                      std::size_t first, std::size_t count, const T* x, T* y) {
    grid::parallel_for(context, batch * width, grid::mean_of_rows<T>{tokens, width, first, count, x, y});
  }
  template <class Context, class T>
  static void backward(Context& context, std::size_t batch, std::size_t tokens, std::size_t width,
                       std::size_t first, std::size_t count, const T* dy, T* dx) {
    grid::parallel_for(context, batch * tokens * width,
                       grid::mean_of_rows_backward<T>{tokens, width, first, count, dy, dx});
  }
};

}  // namespace pretext::inline v0_1::kernels
