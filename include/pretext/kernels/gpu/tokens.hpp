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

/// The prefix followed by the selected tokens, plus positional embeddings.
template <class T, class W>
struct add_prefix_tokens {
  kernels::sequence_extents e;
  kernels::index_list selected;
  const T* x;
  const W *prefix, *positions;
  T* y;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t tokens = e.prefix + selected.count, c = i % e.width, token = i / e.width % tokens,
                      n = i / e.width / tokens;
    vec<W, N> value;
    if (token < e.prefix)
      for (unsigned k = 0; k < N; ++k) value[k] = prefix[token * e.width + c + k];
    else
      value = load<N>(x + (n * selected.count + token - e.prefix) * e.width + c);
    if (token < e.positioned || token >= e.prefix) {
      const std::size_t position =
          token < e.prefix ? token : e.positioned + selected.position(n, token - e.prefix);
      for (unsigned k = 0; k < N; ++k) value[k] += positions[position * e.width + c + k];
    }
    store<N>(y + i, value);
  }
};

/// dx = dy without each sample's prefix.
template <class T>
struct drop_prefix_tokens {
  std::size_t width, prefix, count;
  const T* dy;
  T* dx;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t row = i / width;
    store<N>(dx + i, load<N>(dy + (row + (row / count + 1) * prefix) * width + i % width));
  }
};

/// The gradients of the prefix and of the positions: each element sums the tokens that used it, sample by
/// sample.
template <class T, class W>
struct sum_over_batch {
  kernels::sequence_extents e;
  std::size_t batch, count;
  inverse_index ranks;
  const T* dy;
  W *dprefix, *dpositions;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    const std::size_t row = i / e.width, c = i % e.width, tokens = e.prefix + count;
    double sum = 0;
    for (std::size_t n = 0; n < batch; ++n) {
      const std::size_t rank = row < e.prefix ? 0 : ranks.rank(n, row - e.prefix);
      if (row >= e.prefix && rank >= count) continue;  // not selected
      const std::size_t token = row < e.prefix ? row : e.prefix + rank;
      sum += static_cast<double>(dy[(n * tokens + token) * e.width + c]);
    }
    if (row < e.prefix && dprefix) dprefix[i] += static_cast<W>(sum);
    if (!dpositions || (e.positioned <= row && row < e.prefix)) return;
    const std::size_t position = row < e.prefix ? row : e.positioned + row - e.prefix;
    dpositions[position * e.width + c] += static_cast<W>(sum);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Gradients of parameters are gathered over the batch, so no two threads add to the same element.
template <Accelerator Device>
struct prepend_tokens<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, const sequence_extents& e, std::size_t batch,
                      const index_list& selected, const T* x, const W* prefix, const W* positions, T* y) {
    grid::parallel_for_vec<T>(context, batch * (e.prefix + selected.count) * e.width, e.width, {x, y},
                              grid::add_prefix_tokens<T, W>{e, selected, x, prefix, positions, y});
  }

  template <class Context, class T, class W>
  static void backward(Context& context, const sequence_extents& e, std::size_t batch,
                       const index_list& selected, const T* dy, T* dx, W* dprefix, W* dpositions) {
    if (dx)
      grid::parallel_for_vec<T>(context, batch * selected.count * e.width, e.width, {dy, dx},
                                grid::drop_prefix_tokens<T>{e.width, e.prefix, selected.count, dy, dx});
    if (!dprefix && !dpositions) return;
    const arena_scope guard{context.workspace};
    const std::size_t patches = selected.ids ? selected.stride : selected.count;
    const auto inverse = dpositions ? grid::invert(context, batch, patches, selected) : grid::inverse_index{};
    grid::parallel_for(
        context, (e.prefix + (dpositions ? patches : 0)) * e.width,
        grid::sum_over_batch<T, W>{e, batch, selected.count, inverse, dy, dprefix, dpositions});
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
    grid::spread_mean(context, batch, tokens, width, first, count, dy, dx);
  }
};

}  // namespace pretext::inline v0_1::kernels
