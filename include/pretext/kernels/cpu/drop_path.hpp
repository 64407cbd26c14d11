// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/drop_path.hpp>

namespace pretext::inline v0_1::kernels {

/// One loop over the samples.
template <>
struct drop_path<cpu> {
  template <class Context, class T>
  static void run(Context&, const sample_keys& keys, std::size_t batch, std::uint32_t draw, double rate,
                  T* branch_scale) {
    for (std::size_t n = 0; n < batch; ++n)
      branch_scale[n] = static_cast<T>(path_factor(keys(n), draw, rate));
  }

  template <class Context, class T>
  static void scale(Context& context, std::size_t batch, std::size_t sample_size, const T* branch_scale,
                    const T* dy, T* dbranch) {
    context.stream.for_each_run(batch, 4, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t n = first; n < last; ++n) {
          const T sample_scale = branch_scale[n];
          for (std::size_t i = n * sample_size; i < (n + 1) * sample_size; ++i)
            dbranch[i] = sample_scale * dy[i];
        }
      });
    });
  }
};

}  // namespace pretext::inline v0_1::kernels
