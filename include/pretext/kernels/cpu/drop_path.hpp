#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/drop_path.hpp>

namespace pretext::kernels {

template <>
struct drop_path<cpu> {
  template <class Context, class T>
  static void run(Context&, const sample_keys& keys, std::size_t batch, std::uint32_t draw, double rate,
                  T* factor) {
    for (std::size_t n = 0; n < batch; ++n) factor[n] = static_cast<T>(path_factor(keys(n), draw, rate));
  }

  template <class Context, class T>
  static void scale(Context& context, std::size_t batch, std::size_t numbers, const T* factor, const T* dy,
                    T* dbranch) {
    context.stream.for_each_run(batch, 4, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t n = first; n < last; ++n) {
          const T by = factor[n];
          for (std::size_t i = n * numbers; i < (n + 1) * numbers; ++i) dbranch[i] = by * dy[i];
        }
      });
    });
  }
};

}  // namespace pretext::kernels
