// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/device.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/kernels/for_each_row.hpp>

namespace pretext::inline v0_1::kernels {

namespace detail {
/// Work on rows that is left out if the step's loss is NaN or infinite.
template <class Work>
struct unless_not_finite {
  const double* loss;
  Work work;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    if (pretext::detail::is_finite(*loss)) work(row, team);
  }
};
}  // namespace detail

/// `for_each_row` for changes that belong to a completed step: like an optimizer's, they are not made if the
/// loss is NaN or infinite. A synchronous device's trainer throws before it comes to them; an asynchronous
/// device looks at the loss when it executes them.
template <class Context, class Work>
void for_each_row_after_step(Context& context, std::size_t rows, const Work& work) {
  using device = typename Context::device;
  if constexpr (Accelerator<device>)
    for_each_row<device>::run(context, rows,
                              detail::unless_not_finite<Work>{context.stream.wait_loss(), work});
  else
    for_each_row<device>::run(context, rows, work);
}

}  // namespace pretext::inline v0_1::kernels
