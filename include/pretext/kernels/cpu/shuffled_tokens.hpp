#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext::kernels {

template <>
struct hidden_tokens<cpu> {
  template <class Place, class T>
  static void forward(Place& place, const token_rows& t, std::size_t batch, const std::uint32_t* order,
                      const T* x, T* y) {
    place.stream.for_each_run(batch * t.hidden(), 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const std::size_t n = row / t.hidden();
        const std::size_t stands = t.visible + row % t.hidden();
        const std::size_t at = order ? order[n * t.places + stands] : stands;
        std::copy_n(x + (n * t.all() + t.lead + at) * t.columns, t.columns, y + row * t.columns);
      }
    });
  }
  template <class Place, class T>
  static void backward(Place& place, const token_rows& t, std::size_t batch, const std::uint32_t* restore,
                       const T* dy, T* dx) {
    place.stream.for_each_run(batch * t.all(), 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const std::size_t n = row / t.all(), token = row % t.all();
        const std::size_t at = token < t.lead ? 0 : restore[n * t.places + token - t.lead];
        T* const to = dx + row * t.columns;
        if (at < t.visible)
          std::fill_n(to, t.columns, T{0});
        else
          std::copy_n(dy + (n * t.hidden() + at - t.visible) * t.columns, t.columns, to);
      }
    });
  }
};

template <>
struct restored_tokens<cpu> {
  template <class Place, class T, class W>
  static void forward(Place& place, const token_rows& t, std::size_t batch, const std::uint32_t* restore,
                      const T* x, const W* token, const W* positions, T* y) {
    place.stream.for_each_run(batch * t.all(), 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t row = first; row < last; ++row) {
        const std::size_t n = row / t.all(), at = row % t.all();
        const std::size_t stands = at < t.lead ? at : t.lead + restore[n * t.places + at - t.lead];
        const T* const from = stands < t.seen() ? x + (n * t.seen() + stands) * t.columns : token;
        for (std::size_t c = 0; c < t.columns; ++c)
          y[row * t.columns + c] = from[c] + positions[at * t.columns + c];
      }
    });
  }
  template <class Place, class T, class W>
  static void backward(Place& place, const token_rows& t, std::size_t batch, const std::uint32_t* order,
                       const T* dy, T* dx, W* dtoken) {
    const auto row_of = [&](std::size_t n, std::size_t stands) {
      return n * t.all() + (stands < t.lead ? stands : t.lead + order[n * t.places + stands - t.lead]);
    };
    if (dx)
      place.stream.for_each_run(batch * t.seen(), 64, [&](std::size_t first, std::size_t last) {
        for (std::size_t row = first; row < last; ++row)
          std::copy_n(dy + row_of(row / t.seen(), row % t.seen()) * t.columns, t.columns,
                      dx + row * t.columns);
      });
    place.stream.for_each_run(t.columns, 64, [&](std::size_t first, std::size_t last) {
      for (std::size_t n = 0; n < batch; ++n)
        for (std::size_t stands = t.seen(); stands < t.all(); ++stands)
          for (std::size_t c = first; c < last; ++c) dtoken[c] += dy[row_of(n, stands) * t.columns + c];
    });
  }
};

}  // namespace pretext::kernels
