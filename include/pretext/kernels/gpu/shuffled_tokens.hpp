// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/block/column_sums.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext::inline v0_1::grid {

/// The index among all tokens of element `i` of the selected tokens.
struct selected_elements {
  kernels::token_extents e;
  kernels::index_list selected;
  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    const std::size_t row = i / e.width, n = row / selected.count;
    return (n * e.tokens() + e.prefix_tokens + selected.position(n, row % selected.count)) * e.width +
           i % e.width;
  }
};

/// y = the selected tokens of x.
template <class T>
struct gather_selected {
  selected_elements from;
  const T* x;
  T* y;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(y + i, load<N>(x + from(i)));
  }
};
/// dx of the selected tokens; the caller has cleared the others.
template <class T>
struct scatter_selected {
  selected_elements to;
  const T* dy;
  T* dx;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(dx + to(i), load<N>(dy + i));
  }
};

/// The row to which token `i` of a sample's shuffled tokens belongs.
struct shuffled_rows {
  kernels::token_extents e;
  kernels::index_list order;
  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t n, std::size_t i) const {
    return n * e.tokens() +
           (i < e.prefix_tokens ? i : e.prefix_tokens + order.position(n, i - e.prefix_tokens));
  }
};

/// Restores the order of the tokens, with the mask token at masked positions, and adds positional
/// embeddings.
template <class T, class W>
struct restore_tokens {
  shuffled_rows row;
  std::size_t visible;
  const T* x;
  const W *token, *positions;
  T* y;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t width = row.e.width, tokens = row.e.tokens(), c = i % width;
    const std::size_t shuffled = i / width % tokens, n = i / width / tokens, to = row(n, shuffled);
    vec<W, N> value;
    if (shuffled < visible)
      value = load<N>(x + (n * visible + shuffled) * width + c);
    else
      for (unsigned k = 0; k < N; ++k) value[k] = token[c + k];
    if (positions)
      for (unsigned k = 0; k < N; ++k) value[k] += positions[to % tokens * width + c + k];
    store<N>(y + to * width + c, value);
  }
};

/// dx of the visible tokens.
template <class T>
struct restore_tokens_backward {
  shuffled_rows row;
  std::size_t visible;
  const T* dy;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t width = row.e.width;
    store<N>(dx + i, load<N>(dy + row(i / width / visible, i / width % visible) * width + i % width));
  }
};

/// The terms of the mask token's gradient: the gradients of all positions that it fills.
template <class T>
struct mask_token_terms {
  shuffled_rows row;
  std::size_t visible;
  const T* dy;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&terms)[1]) const {
    const std::size_t masked = row.e.tokens() - visible;
    terms[0] = load<N>(dy + row(r / masked, visible + r % masked) * row.e.width + c);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Copies the selected tokens; the backward pass clears dx and scatters.
template <Accelerator Device>
struct gather_tokens<Device> {
  template <class Context, class T>
  static void forward(Context& context, const token_extents& e, std::size_t batch, const index_list& selected,
                      const T* x, T* y) {
    grid::parallel_for_vec<T>(context, batch * selected.count * e.width, e.width, {x, y},
                              grid::gather_selected<T>{{e, selected}, x, y});
  }
  template <class Context, class T>
  static void backward(Context& context, const token_extents& e, std::size_t batch,
                       const index_list& selected, const T* dy, T* dx) {
    Device::clear(context.stream, dx, batch * e.tokens() * e.width);
    grid::parallel_for_vec<T>(context, batch * selected.count * e.width, e.width, {dy, dx},
                              grid::scatter_selected<T>{{e, selected}, dy, dx});
  }
};

/// Each token is written once. The mask token's gradient is a column sum over the masked positions.
template <Accelerator Device>
struct scatter_tokens<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, const token_extents& e, std::size_t batch, std::size_t count,
                      const index_list& order, const T* x, const W* token, const W* positions, T* y) {
    grid::parallel_for_vec<T>(
        context, batch * e.tokens() * e.width, e.width, {x, y},
        grid::restore_tokens<T, W>{{e, order}, e.prefix_tokens + count, x, token, positions, y});
  }
  template <class Context, class T, class W>
  static void backward(Context& context, const token_extents& e, std::size_t batch, std::size_t count,
                       const index_list& order, const T* dy, T* dx, W* dtoken) {
    const std::size_t visible = e.prefix_tokens + count;
    grid::parallel_for_vec<T>(context, batch * visible * e.width, e.width, {dy, dx},
                              grid::restore_tokens_backward<T>{{e, order}, visible, dy, dx});
    W* const totals[] = {dtoken};
    grid::add_column_sums<T>(context, batch * (e.tokens() - visible), e.width, totals, {dy},
                             grid::mask_token_terms<T>{{e, order}, visible, dy});
  }
};

}  // namespace pretext::inline v0_1::kernels
