#pragma once
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/column_sums.hpp>
#include <pretext/kernels/cpu/isa.hpp>
#include <pretext/kernels/residual.hpp>

namespace pretext::kernels {

template <>
struct residual_sum<cpu> {
  template <class Place, class T>
  static void add(Place& place, std::size_t batch, std::size_t tokens, std::size_t columns, const T* x,
                  const T* bias, const T* keep, T* y) {
    each_row(place, batch * tokens, columns, [=](std::size_t r) {
      const T factor = keep ? keep[r / tokens] : T{1};
      const T* from = x + r * columns;
      T* to = y + r * columns;
      for (std::size_t c = 0; c < columns; ++c) to[c] = from[c] + factor * (to[c] + bias[c]);
    });
  }

  template <class Place, class T>
  static void scale(Place& place, std::size_t batch, std::size_t tokens, std::size_t columns, const T* keep,
                    const T* dy, T* dbranch) {
    each_row(place, batch * tokens, columns, [=](std::size_t r) {
      const T factor = keep[r / tokens];
      for (std::size_t c = 0; c < columns; ++c) dbranch[r * columns + c] = factor * dy[r * columns + c];
    });
  }

 private:
  template <class Place, class Work>
  static void each_row(Place& place, std::size_t rows, std::size_t columns, const Work& work) {
    place.stream.for_each_run(rows, detail::rows_of_block(columns), [&](std::size_t first, std::size_t last) {
      vectorised([&] {
        for (std::size_t r = first; r < last; ++r) work(r);
      });
    });
  }
};

}  // namespace pretext::kernels
