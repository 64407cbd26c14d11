// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/column_sums.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/layer_scale.hpp>

namespace pretext::inline v0_1::kernels {

/// One vectorised pass each; column sums are those of simd/column_sums.hpp.
template <>
struct layer_scale<cpu> {
  template <class Context, class T>
  static void forward(Context& context, const scaled_sum_extents& e, const T* shortcut, const T* branch,
                      const T* gamma, const T* branch_scale, T* y) {
    context.stream.for_each_run(e.rows, 64, [=](std::size_t first, std::size_t last) {
      vectorised([=] {
        for (std::size_t r = first; r < last; ++r) {
          const T scale = branch_scale ? branch_scale[r / e.tokens] : T{1};
          const std::size_t at = r * e.columns;
          for (std::size_t c = 0; c < e.columns; ++c)
            y[at + c] = shortcut[at + c] + scale * gamma[c] * branch[at + c];
        }
      });
    });
  }

  template <class Context, class T>
  static void backward(Context& context, const scaled_sum_extents& e, const T* dy, const T* branch,
                       const T* gamma, const T* branch_scale, T* dbranch, T* dgamma) {
    T* const totals[] = {dgamma};
    detail::sum_columns(context, e.rows, e.columns, totals,
                        [=](std::size_t first, std::size_t last, T* partial) {
                          for (std::size_t r = first; r < last; ++r) {
                            const T scale = branch_scale ? branch_scale[r / e.tokens] : T{1};
                            const std::size_t at = r * e.columns;
                            for (std::size_t c = 0; c < e.columns; ++c) {
                              const T slope = scale * dy[at + c];
                              dbranch[at + c] = gamma[c] * slope;
                              partial[c] += branch[at + c] * slope;
                            }
                          }
                        });
  }
};

}  // namespace pretext::inline v0_1::kernels
