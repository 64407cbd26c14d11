// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pretext/core/context.hpp>
#include <pretext/evaluation/features.hpp>
#include <pretext/kernels/cpu/batch_norm.hpp>

namespace pretext::inline v0_1 {

/// How features are scaled before a linear probe.
enum class probe_scaling {
  none,          ///< SimCLR, BYOL
  standardised,  ///< each dimension to mean 0 and variance 1 over all training features
  /// Features of length 1, minus their mean, all dimensions by one factor: for few labels, which do not tell
  /// the variance of each dimension.
  unit_length,
  batch_norm  ///< the same over each training batch, with running statistics for test features: MAE
};

namespace detail {

/// Gathers and scales rows of features; for `unit_length` they have that length already.
class probe_inputs {
 public:
  probe_inputs(probe_scaling kind, const feature_view& train)
      : kind_{kind},
        width_{train.width()},
        scale_(width_, 1.0f),
        shift_(width_),
        mean_(width_),
        variance_(width_, 1.0f) {
    if (kind == probe_scaling::standardised || kind == probe_scaling::unit_length) standardise(train);
  }

  /// Writes the rows of a training batch to `to`, (count, width), and updates the running statistics.
  void train(on<cpu>& context, const feature_view& from, const std::uint32_t* rows, std::size_t count,
             float* to) {
    gather(context, from, rows, count, to);
    if (kind_ == probe_scaling::batch_norm) {
      const arena_scope guard{context.workspace};
      float *mean = context.workspace.allocate<float>(width_),
            *inverse = context.workspace.allocate<float>(width_);
      norm::statistics(context, count, width_, 1, const_to(to),
                       {.epsilon = epsilon,
                        .momentum = momentum,
                        .running_mean = mean_.data(),
                        .running_variance = variance_.data()},
                       {.mean = mean, .inverse = inverse, .scale = scale_.data(), .shift = shift_.data()});
    }
    scale(context, count, to);
  }

  /// Scale and shift of the features of new images, by the statistics of the training.
  std::pair<std::vector<float>, std::vector<float>> trained_scaling(on<cpu>& context) {
    if (kind_ == probe_scaling::batch_norm)
      norm::fold_running(context, width_, const_to(mean_.data()), const_to(variance_.data()), epsilon, none,
                         none, scale_.data(), shift_.data());
    return {scale_, shift_};
  }

 private:
  using norm = kernels::batch_norm<cpu>;
  static constexpr float epsilon = 1e-6f, momentum = 0.1f;  // MAE's ε, torch's momentum
  static constexpr const float* none = nullptr;
  static const float* const_to(const float* data) { return data; }

  void standardise(const feature_view& train) {
    std::vector<double> sum(width_), squares(width_);
    const auto rows = static_cast<double>(train.count());
    for (std::size_t i = 0; i < train.count(); ++i)
      for (std::size_t c = 0; c < width_; ++c) sum[c] += static_cast<double>(train.row(i)[c]);
    for (std::size_t i = 0; i < train.count(); ++i)
      for (std::size_t c = 0; c < width_; ++c) {
        const double deviation = static_cast<double>(train.row(i)[c]) - sum[c] / rows;
        squares[c] += deviation * deviation;
      }
    double variance = 0;  // of all dimensions
    for (const double square : squares) variance += square / rows / static_cast<double>(width_);
    for (std::size_t c = 0; c < width_; ++c) {
      const double own = kind_ == probe_scaling::unit_length ? variance : squares[c] / rows;
      const double inverse = 1 / std::sqrt(own + static_cast<double>(epsilon));
      scale_[c] = static_cast<float>(inverse);
      shift_[c] = static_cast<float>(-sum[c] / rows * inverse);
    }
  }

  void gather(on<cpu>& context, const feature_view& from, const std::uint32_t* rows, std::size_t count,
              float* to) const {
    context.stream.for_each_run(count, 32, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) std::copy_n(from.row(rows[i]), width_, to + i * width_);
    });
  }

  void scale(on<cpu>& context, std::size_t count, float* x) const {
    if (kind_ != probe_scaling::none)
      norm::apply(context, count, width_, 1, const_to(x), scale_.data(), shift_.data(), none, false, x);
  }

  probe_scaling kind_;
  std::size_t width_;
  std::vector<float> scale_, shift_, mean_, variance_;
};

}  // namespace detail
}  // namespace pretext::inline v0_1
