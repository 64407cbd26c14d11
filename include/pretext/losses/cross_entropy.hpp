#pragma once
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/kernels/cross_entropy.hpp>

namespace pretext {

/// Softmax cross-entropy with soft goals, the mean over the rows: timm's SoftTargetCrossEntropy, and with
/// one-hot goals and smoothing its LabelSmoothingCrossEntropy.
struct cross_entropy {
  double smoothing = 0;  ///< of goals that are not smoothed yet; MAE's fine-tuning has 0.1
  double weight = 1;
  std::size_t classes = 0;  ///< the first of the logits, where there are fewer classes; 0: all are

  friend bool operator==(const cross_entropy&, const cross_entropy&) = default;

  /// Returns the loss of logits (n, classes) against each row's shares of the classes and adds its gradient
  /// to dlogits.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, reads<Context, S> logits,
                                          tensor_view<const typename Context::weight, S> target,
                                          writes<Context, S> dlogits) const {
    expects(logits.batch == target.batch, "cross-entropy compares as many predictions as goals, not ",
            logits.batch, " with ", target.batch);
    expects(0 <= smoothing && smoothing < 1, "cross-entropy: smoothing ", smoothing,
            " must lie within [0, 1)");
    expects(classes <= S::size, "cross-entropy: ", classes, " classes need as many logits, not ", S::size);
    const std::size_t used = classes == 0 ? S::size : classes;
    const double scale = weight / static_cast<double>(logits.batch);
    return kernels::cross_entropy<typename Context::device>::soft(
        context, logits.batch, S::size, used, scale, smoothing, logits.data, target.data, dlogits.data);
  }
};

}  // namespace pretext
