// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <span>

#include <pretext/core/arena.hpp>
#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/batch_mix.hpp>

namespace pretext::inline v0_1 {

/// Mixes a batch of views (n, H, W, C) in place. `chosen` may be stored on the device.
template <class Context, Shape S>
  requires ImageShape<S>
void mix(Context& context, device_scalar<batch_mix> chosen,
         tensor_view<typename Context::activation, S> views) {
  kernels::mixing<typename Context::device>::mix(context, views.batch, S::extents[0], S::extents[1],
                                                 S::extents[2], chosen, views.data);
}

/// Writes the soft targets (n, S) of a batch that was mixed like this from the labels of its images: timm's
/// `mixup_target`, whose on and off values are 1 - s + s/K and s/K with s = `smoothing` in [0, 1). An unmixed
/// batch has `batch_mix{}`. K is `classes`, at most S and by default S. Throws std::invalid_argument for a
/// label outside of [0, K).
template <class Context, Shape S>
void mixed_targets(Context& context, const batch_mix& chosen, std::span<const int> labels, double smoothing,
                   tensor_view<typename Context::weight, S> soft_targets, std::size_t classes = S::size) {
  expects(labels.size() == soft_targets.batch, "mixed_targets: ", labels.size(), " labels for ",
          soft_targets.batch, " targets");
  expects(classes <= S::size, "mixed_targets: ", classes, " classes do not fit into targets of ", S::size,
          " classes");
  for (const int label : labels)
    expects(0 <= label && static_cast<std::size_t>(label) < classes, "mixed_targets: label ", label,
            " is none of ", classes, " classes");
  const arena_scope guard{context.workspace};
  int* const on_device = context.workspace.template allocate<int>(labels.size());
  Context::device::write(context.stream, on_device, labels.data(), labels.size());
  kernels::mixing<typename Context::device>::targets(context, labels.size(), S::size, classes, chosen,
                                                     smoothing, static_cast<const int*>(on_device),
                                                     soft_targets.data);
}

}  // namespace pretext::inline v0_1
