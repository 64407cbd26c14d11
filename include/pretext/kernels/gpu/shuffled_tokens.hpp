#pragma once
#include <cstddef>

#include <pretext/kernels/gpu/block/column_sums.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext::grid {

/// Where the number of a chosen token stands among all tokens.
struct chosen_numbers {
  kernels::token_extents e;
  kernels::index_list chosen;
  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t i) const {
    const std::size_t row = i / e.width, n = row / chosen.count;
    return (n * e.tokens() + e.prefix_tokens + chosen.position(n, row % chosen.count)) * e.width +
           i % e.width;
  }
};

template <class T>
struct take_tokens {
  chosen_numbers from;
  const T* x;
  T* y;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(y + i, load<N>(x + from(i)));
  }
};
template <class T>
struct put_tokens {
  chosen_numbers to;
  const T* dy;
  T* dx;
  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    store<N>(dx + to(i), load<N>(dy + i));
  }
};

/// Where token `i` of a sample's shuffled ones belongs.
struct shuffled_rows {
  kernels::token_extents e;
  kernels::index_list order;
  PRETEXT_HOST_DEVICE std::size_t operator()(std::size_t n, std::size_t i) const {
    return n * e.tokens() +
           (i < e.prefix_tokens ? i : e.prefix_tokens + order.position(n, i - e.prefix_tokens));
  }
};

template <class T, class W>
struct restore_tokens {
  shuffled_rows row;
  std::size_t seen;
  const T* x;
  const W *token, *positions;
  T* y;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t width = row.e.width, tokens = row.e.tokens(), c = i % width;
    const std::size_t shuffled = i / width % tokens, n = i / width / tokens, to = row(n, shuffled);
    vec<W, N> value;
    if (shuffled < seen)
      value = load<N>(x + (n * seen + shuffled) * width + c);
    else
      for (unsigned k = 0; k < N; ++k) value[k] = token[c + k];
    if (positions)
      for (unsigned k = 0; k < N; ++k) value[k] += positions[to % tokens * width + c + k];
    store<N>(y + to * width + c, value);
  }
};

template <class T>
struct restore_tokens_backward {
  shuffled_rows row;
  std::size_t seen;
  const T* dy;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t width = row.e.width;
    store<N>(dx + i, load<N>(dy + row(i / width / seen, i / width % seen) * width + i % width));
  }
};

/// The gradients of the learned token: those of all places that have it.
template <class T>
struct learned_tokens {
  shuffled_rows row;
  std::size_t seen;
  const T* dy;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t r, std::size_t c, vec<arithmetic<T>, N> (&terms)[1]) const {
    const std::size_t hidden = row.e.tokens() - seen;
    terms[0] = load<N>(dy + row(r / hidden, seen + r % hidden) * row.e.width + c);
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct gather_tokens<Device> {
  template <class Context, class T>
  static void forward(Context& context, const token_extents& e, std::size_t batch, const index_list& chosen,
                      const T* x, T* y) {
    grid::parallel_for_vec<T>(context, batch * chosen.count * e.width, e.width, {x, y},
                              grid::take_tokens<T>{{e, chosen}, x, y});
  }
  template <class Context, class T>
  static void backward(Context& context, const token_extents& e, std::size_t batch, const index_list& chosen,
                       const T* dy, T* dx) {
    Device::clear(context.stream, dx, batch * e.tokens() * e.width);
    grid::parallel_for_vec<T>(context, batch * chosen.count * e.width, e.width, {dy, dx},
                              grid::put_tokens<T>{{e, chosen}, dy, dx});
  }
};

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
    const std::size_t seen = e.prefix_tokens + count;
    grid::parallel_for_vec<T>(context, batch * seen * e.width, e.width, {dy, dx},
                              grid::restore_tokens_backward<T>{{e, order}, seen, dy, dx});
    W* const totals[] = {dtoken};
    grid::add_column_sums<T>(context, batch * (e.tokens() - seen), e.width, totals, {dy},
                             grid::learned_tokens<T>{{e, order}, seen, dy});
  }
};

}  // namespace pretext::kernels
