// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/random_streams.hpp>
#include <pretext/kernels/drop_path.hpp>

namespace pretext::inline v0_1 {

/// Stochastic depth (Huang et al. 2016): a training step drops residual branches at random, sample by sample.
struct drop_path {
  /// Of the key of each sample.
  static constexpr std::uint32_t stream_id = streams::drop_path.first, stream_size = streams::drop_path.size;

  /// The factors (n) that multiply one residual branch of a batch: 0 for dropped samples, 1/(1 - rate) for
  /// the others; null for rate 0. `rate` is in [0, 1); `layer`, below 4096, differs for each branch of a
  /// network. Throws std::invalid_argument if the step has no sample ids.
  template <class Context>
  static const typename Context::weight* branch_scales(Context& context, std::size_t batch, double rate,
                                                       std::uint32_t layer) {
    if (rate == 0) return nullptr;
    expects(0 < rate && rate < 1, "drop_path: the rate must lie in [0, 1), not ", rate);
    expects(context.step.keys.count != 0,
            "drop_path draws for every sample, and this step has none: pass .samples (with .seed and .epoch) "
            "to trainer.step");
    expects(layer < stream_size, "drop_path: layer ", layer, " has no random numbers; use layers 0 to ",
            stream_size - 1);
    auto* const factor = context.activations.template allocate<typename Context::weight>(batch);
    kernels::drop_path<typename Context::device>::run(context, context.step.keys, batch, stream_id + layer,
                                                      rate, factor);
    return factor;
  }
};

}  // namespace pretext::inline v0_1
