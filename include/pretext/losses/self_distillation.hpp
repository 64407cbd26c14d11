// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/centre.hpp>
#include <pretext/losses/detail/cross_view.hpp>
#include <pretext/losses/detail/expects_rows.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/scheduled_value.hpp>
#include <pretext/losses/detail/sinkhorn.hpp>
#include <pretext/losses/loss_batch.hpp>

namespace pretext::inline v0_1 {

/// What keeps a teacher's probabilities from collapsing: a moving average of its outputs, which is subtracted
/// (DINO), or the algorithm of Sinkhorn & Knopp over the batch (DINOv2).
enum class teacher_centering { centre, sinkhorn };

/// Self-distillation without labels (DINO, Caron et al. 2021, eq. 3): the cross-entropy of the student's
/// softmax for a view with the teacher's for another one, the mean over all such pairs of a view that the
/// teacher has seen and one of the student. Rows are scores of prototypes.
struct self_distillation {
  static constexpr bool compares_with_target = true;
  static constexpr std::array<std::string_view, 1> scheduled{"teacher_temperature"};
  static constexpr std::string_view collapse_advice =
      "Student and teacher agree on one output. Try a lower temperature of the teacher in the first "
      "epochs, a smaller momentum of the centre, a last layer that is frozen in the first epoch, "
      "clipped gradients and a smaller learning rate.";
  double student_temperature = 0.1;   ///< positive
  double teacher_temperature = 0.04;  ///< positive, lower for sharper targets
  double centre_momentum = 0.9;       ///< what the centre keeps of itself in a step, in [0, 1)
  teacher_centering centering = teacher_centering::centre;
  std::size_t iterations = 3;  ///< of Sinkhorn & Knopp's algorithm

  friend bool operator==(const self_distillation&, const self_distillation&) = default;

  /// The loss of embeddings that are all alike (losses/collapse_advice.hpp).
  double chance(std::size_t, std::size_t scores) const { return std::log(double(scores)); }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    for (const double each : {student_temperature, teacher_temperature})
      expects(each > 0 && detail::is_finite(each), "self_distillation: temperature ", each,
              " must be positive and finite");
    expects(0 <= centre_momentum && centre_momentum < 1, "self_distillation: centre_momentum ",
            centre_momentum, " must be in [0, 1)");
    expects(iterations > 0, "self_distillation: Sinkhorn's algorithm needs an iteration or more");
  }

  /// The centre, which begins at 0.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::moving_centre<Context> {
    void start(Context&, const self_distillation& loss, std::uint64_t) {
      this->allocate(loss.centering == teacher_centering::centre ? Prediction::size : 0);
    }
  };

  /// Returns the loss of batch.p (views·n, K) for the teacher's scores batch.target and adds its gradient to
  /// batch.dp. Throws std::invalid_argument if no pair of views is different.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const loss_batch<Context, S, S>& batch,
                                          state<Context, S, S>& centre) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    constexpr std::size_t k = S::size;
    const std::size_t rows = batch.images * batch.target_views;
    detail::expects_rows("self_distillation", batch);
    const detail::loss_operations at{context};
    const detail::scheduled_value temperature{teacher_temperature, batch.values, batch.first_value};
    W* const probabilities = at.weights(rows * k);
    if (centering == teacher_centering::sinkhorn) {
      detail::sinkhorn(at, rows, k, temperature, iterations, batch.target.data, nullptr, probabilities);
    } else {
      at.for_each_row(rows, detail::centred_softmax<T, W>{k, temperature, batch.target.data, nullptr,
                                                          centre.values(), probabilities});
      centre.move(at, rows, centre_momentum, batch.target.data, nullptr);
    }
    return detail::cross_view_loss(at, "self_distillation", batch, batch.target_views, student_temperature,
                                   probabilities);
  }

  /// Moves the centre towards the mean of the teacher's scores.
  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& centre) const {
    centre.commit(context);
  }
};

}  // namespace pretext::inline v0_1
