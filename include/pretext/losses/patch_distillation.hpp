// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <pretext/core/context.hpp>
#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/is_finite.hpp>
#include <pretext/losses/detail/centre.hpp>
#include <pretext/losses/detail/loss_operations.hpp>
#include <pretext/losses/detail/scheduled_value.hpp>
#include <pretext/losses/detail/sinkhorn.hpp>
#include <pretext/losses/loss_batch.hpp>
#include <pretext/losses/self_distillation.hpp>

namespace pretext::inline v0_1 {

/// Scores of the patch tokens of images, of which some were masked for the student. Rows are stacked by
/// image: row i·tokens + t is token t of image i; views are further images.
template <class Context, Shape S>
struct token_batch {
  std::size_t images = 0, tokens = 0;
  const std::uint8_t* masked = nullptr;  ///< (images·tokens), in the device's memory; not 0: masked
  reads<Context, S> p{};                 ///< the student's scores
  writes<Context, S> dp{};               ///< the gradient is added to this
  reads<Context, S> target{};            ///< the teacher's scores of the whole images
  device_scalar<loss_values> values{};
  std::size_t first_value = 0;  ///< the slot of the loss's first scheduled name
};

namespace detail {

/// The weight of an image's masked tokens in the loss.
struct weigh_masked_tokens {
  std::size_t images, tokens;
  const std::uint8_t* masked;
  double* weights;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t image, const Team& team) const {
    const std::uint8_t* const own = masked + image * tokens;
    const double count = team.sum(tokens, [&](std::size_t t) { return own[t] ? 1. : 0.; });
    team.each(1, [&](std::size_t) { weights[image] = count > 0 ? 1 / (count * double(images)) : 0; });
  }
};

/// One token: the cross-entropy of its softmax with the teacher's probabilities, if it is masked, and the
/// gradient.
template <class T, class W>
struct masked_token_row {
  std::size_t tokens, columns;
  double temperature;
  const std::uint8_t* masked;
  const double* weights;
  const T* scores;
  const W* probabilities;
  T* slope;
  double* parts;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    if (!masked[row]) {
      team.each(1, [&](std::size_t) { parts[row] = 0; });
      return;
    }
    const T* const from = scores + row * columns;
    const W* const wanted = probabilities + row * columns;
    T* const to = slope + row * columns;
    const double inverse = 1 / temperature, factor = weights[row / tokens];
    const double top = team.maximum(columns, [&](std::size_t c) { return double(from[c]); });
    const auto term = [&](std::size_t c) { return std::exp((double(from[c]) - top) * inverse); };
    const double sum = team.sum(columns, term);
    const double total = team.sum(columns, [&](std::size_t c) { return double(wanted[c]); });
    const double below =
        team.sum(columns, [&](std::size_t c) { return double(wanted[c]) * (top - double(from[c])); });
    const double scale = factor * inverse, share = total / sum;
    team.each(columns, [&](std::size_t c) {
      to[c] = static_cast<T>(double(to[c]) + scale * (share * term(c) - double(wanted[c])));
      if (c == 0) parts[row] = factor * (total * std::log(sum) + below * inverse);
    });
  }
};

}  // namespace detail

/// Masked image modelling by distillation (iBOT, Zhou et al. 2022, eq. 2): the cross-entropy of the student's
/// softmax for a masked patch with the teacher's for the same patch of the whole image, the mean over the
/// masked patches of an image, then over all images, also those without any.
struct patch_distillation {
  static constexpr std::array<std::string_view, 1> scheduled{"teacher_patch_temperature"};
  double student_temperature = 0.1;   ///< positive
  double teacher_temperature = 0.04;  ///< positive, lower for sharper targets
  double centre_momentum = 0.9;       ///< what the centre keeps of itself in a step, in [0, 1)
  teacher_centering centering = teacher_centering::centre;
  bool centres_masked_only = false;  ///< the centre's mean: over masked patches (lightly), or over all (iBOT)
  std::size_t iterations = 3;        ///< of Sinkhorn & Knopp's algorithm, over all masked patches together

  friend bool operator==(const patch_distillation&, const patch_distillation&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    for (const double each : {student_temperature, teacher_temperature})
      expects(each > 0 && detail::is_finite(each), "patch_distillation: temperature ", each,
              " must be positive and finite");
    expects(0 <= centre_momentum && centre_momentum < 1, "patch_distillation: centre_momentum ",
            centre_momentum, " must be in [0, 1)");
    expects(iterations > 0, "patch_distillation: Sinkhorn's algorithm needs an iteration or more");
  }

  /// The centre, which begins at 0. In checkpoints it is called centre_patch, beside `self_distillation`'s
  /// centre.
  template <class Context, Shape Prediction, Shape Embedding>
  struct state : detail::moving_centre<Context, "centre_patch"> {
    void start(Context&, const patch_distillation& loss, std::uint64_t) {
      this->allocate(loss.centering == teacher_centering::centre ? Prediction::size : 0);
    }
  };

  /// Returns the loss of batch.p (images·tokens, K) and adds its gradient to batch.dp. Throws
  /// std::invalid_argument unless there are as many rows and a mask.
  template <class Context, Shape S>
  typename Context::loss_value operator()(Context& context, const token_batch<Context, S>& batch,
                                          state<Context, S, S>& centre) const {
    using T = typename Context::activation;
    using W = typename Context::weight;
    constexpr std::size_t k = S::size;
    const std::size_t rows = batch.images * batch.tokens;
    expects(rows > 0 && batch.p.batch == rows && batch.target.batch == rows && batch.masked,
            "patch_distillation: ", batch.p.batch, " rows of the student and ", batch.target.batch,
            " of the teacher are not ", batch.tokens, " patches of ", batch.images,
            " images, or there is no mask");
    const detail::loss_operations at{context};
    const detail::scheduled_value temperature{teacher_temperature, batch.values, batch.first_value};
    W* const probabilities = at.weights(rows * k);
    double *const weights = at.doubles(batch.images), *const parts = at.doubles(rows);
    if (centering == teacher_centering::sinkhorn) {
      detail::sinkhorn(at, rows, k, temperature, iterations, batch.target.data, batch.masked, probabilities);
    } else {
      at.for_each_row(rows, detail::centred_softmax<T, W>{k, temperature, batch.target.data, batch.masked,
                                                          centre.values(), probabilities});
      centre.move(at, rows, centre_momentum, batch.target.data, centres_masked_only ? batch.masked : nullptr);
    }
    at.for_each_row(batch.images,
                    detail::weigh_masked_tokens{batch.images, batch.tokens, batch.masked, weights});
    at.for_each_row(
        rows, detail::masked_token_row<T, W>{batch.tokens, k, student_temperature, batch.masked, weights,
                                             batch.p.data, probabilities, batch.dp.data, parts});
    return at.sum(rows, parts);
  }

  /// Moves the centre towards the mean of the teacher's scores.
  template <class Context, Shape Prediction, Shape Embedding>
  void commit(Context& context, state<Context, Prediction, Embedding>& centre) const {
    centre.commit(context);
  }
};

}  // namespace pretext::inline v0_1
