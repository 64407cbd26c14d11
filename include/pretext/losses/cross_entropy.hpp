// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext::inline v0_1 {

/// Softmax cross-entropy with soft targets, the mean over the rows: timm's SoftTargetCrossEntropy. Labels are
/// smoothed where soft targets are computed from them (`target_options`, `mixed_targets`), as in timm's
/// mixup.
struct cross_entropy {
  double weight = 1;
  std::size_t classes = 0;  ///< only so many of the logits, the first, take part; 0: all

  friend bool operator==(const cross_entropy&, const cross_entropy&) = default;

  /// Returns the loss of logits (n, C) against soft targets (n, C), each row the probabilities of the
  /// classes, and adds its gradient to dlogits. Throws std::invalid_argument if the rows or classes do not
  /// fit.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> logits,
                                          tensor_view<const typename Context::weight, S> soft_targets,
                                          writes<Context, S> dlogits) const {
    expects(logits.batch == soft_targets.batch, "cross_entropy: ", logits.batch, " rows of logits but ",
            soft_targets.batch, " of soft targets");
    expects(classes <= S::size, "cross_entropy: ", classes, " classes need as many logits, not ", S::size);
    const std::size_t used = classes == 0 ? S::size : classes;
    const double scale = weight / static_cast<double>(logits.batch * distributed::shards_of(context));
    constexpr double smoothing = 0;
    return kernels::cross_entropy<typename Context::device>::soft(
        context, logits.batch, S::size, used, scale, smoothing, logits.data, soft_targets.data, dlogits.data);
  }
};

}  // namespace pretext::inline v0_1
