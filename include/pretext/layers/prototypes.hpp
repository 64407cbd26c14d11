// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/l2_normalize.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// The prototypes of SwAV (Caron et al. 2020, §3.1): scores of an embedding (D), or of each token (T, D),
/// with Count vectors, the rows of a weight without bias. Each training step begins by setting the rows to
/// unit length in place (`begin_step`), and their gradient is not projected, as in the official code: after
/// the optimizer, and in files, they have other lengths.
template <std::size_t Count, class Init = torch_init>
struct prototypes : linear<Count, bias::no, Init> {
  template <Shape In, class Context>
  static void begin_step(Context& context, typename Context::weight* value) {
    using W = typename Context::weight;
    kernels::for_each_row<typename Context::device>::run(
        context, Count,
        kernels::detail::normalise_rows<W, W>{channels_of<In>, value, value, nullptr,
                                              kernels::detail::torch_max_inverse_norm});
  }
};

}  // namespace pretext::inline v0_1
