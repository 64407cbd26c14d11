#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext {

/// LARS as published code has it; recipes differ in where the learning rate and the decay enter.
enum class lars_variant {
  simclr,  ///< learning rate inside the momentum, ratio over the decayed gradient
  byol,    ///< learning rate outside the momentum, ratio over the decayed gradient; also MAE's and MoCo v3's
  sum_of_norms,  ///< ratio over ‖g‖ + decay·‖w‖ as in You et al. 2017; solo-learn, lightly
  larc,          ///< sum_of_norms that leaves no parameter out; SwAV, VISSL
};

}  // namespace pretext

namespace pretext::kernels {

/// A run of the flat buffers inside one parameter: what a thread updates at a time.
struct parameter_chunk {
  std::size_t first = 0;
  std::uint32_t count = 0, row = 0;
  bool decays = true;
  double lr_multiplier = 1;  ///< multiplies the step's learning rate
};

/// The flat buffers of a table cut into pieces of a fixed length; what is not learned, by its role or because
/// it is frozen (rate 0), is in none of them.
template <class Device>
struct parameter_chunks {
  buffer<parameter_chunk, Device> list;
  std::size_t rows = 0, size = 0;  ///< of the table, and of a flat buffer

  explicit parameter_chunks(std::span<const parameter> table) : rows{table.size()} {
    constexpr std::size_t length = std::size_t{1} << 14;
    std::vector<parameter_chunk> cut;
    for (std::uint32_t row = 0; row < rows; ++row) {
      const parameter& p = table[row];
      size = std::max(size, p.offset + p.size());
      for (std::size_t done = 0;
           p.role == parameter_role::trainable && p.lr_multiplier != 0 && done < p.size(); done += length)
        cut.push_back({p.offset + done, static_cast<std::uint32_t>(std::min(length, p.size() - done)), row,
                       p.weight_decay == parameter_decay::yes, p.lr_multiplier});
    }
    list = buffer<parameter_chunk, Device>{cut.size()};
    Device::write(typename Device::stream{}, list.data(), cut.data(), cut.size());
  }
};

/// One step's numbers.
struct sgd_step {
  device_scalar<double> learning_rate;
  double momentum, weight_decay;
  bool nesterov, decay_all;
};
struct adamw_step {
  device_scalar<double> learning_rate;
  double beta1, beta2, epsilon, weight_decay;
  bool decay_all;
};
struct lars_step {
  device_scalar<double> learning_rate;
  double momentum, weight_decay, trust_coefficient, epsilon;
  lars_variant variant;
  bool nesterov, clip, decay_all;
};

/// The learning rate of a piece.
template <class Step>
PRETEXT_HOST_DEVICE double effective_lr(const Step& s, const parameter_chunk& p) {
  return double{s.learning_rate} * p.lr_multiplier;
}

/// One number's step with momentum: v = m·v + scale·(g + decay·w), then w -= rate·v, or Nesterov's look
/// ahead.
template <bool Nesterov, class W>
struct momentum_update {
  W decay, scale, momentum, rate;

  PRETEXT_HOST_DEVICE void operator()(W g, W& v, W& w) const {
    if constexpr (Nesterov) {
      const W update = scale * (g + decay * w);
      v = momentum * v + update;
      w -= rate * (momentum * v + update);
    } else {
      v = momentum * v + scale * (g + decay * w);
      w -= rate * v;
    }
  }
};

/// What all numbers of an AdamW step share: the betas, and the bias corrections of step `step`, counted from
/// 1.
template <class W>
struct adamw_rates {
  W b1, b2, rest1, rest2, correction, epsilon;
  double corrected;  ///< learning rate

  PRETEXT_HOST_DEVICE adamw_rates(const adamw_step& s, double step)
      : b1{static_cast<W>(s.beta1)},
        b2{static_cast<W>(s.beta2)},
        rest1{static_cast<W>(1 - s.beta1)},
        rest2{static_cast<W>(1 - s.beta2)},
        correction{static_cast<W>(1 / std::sqrt(1 - std::pow(s.beta2, step)))},
        epsilon{static_cast<W>(s.epsilon)},
        corrected{double{s.learning_rate} / (1 - std::pow(s.beta1, step))} {}
  PRETEXT_HOST_DEVICE W rate(const parameter_chunk& p) const {
    return static_cast<W>(corrected * p.lr_multiplier);
  }
  /// What decay leaves of a weight.
  PRETEXT_HOST_DEVICE static W decay_scale(const adamw_step& s, const parameter_chunk& p) {
    return static_cast<W>(s.decay_all || p.decays ? 1 - effective_lr(s, p) * s.weight_decay : 1);
  }
};

/// What LARS multiplies a parameter's decayed gradient by, from its two norms.
struct lars_adaptation {
  double ratio = 1;
  bool decays = true;

  PRETEXT_HOST_DEVICE lars_adaptation(const lars_step& s, double learning_rate, double weight_norm,
                                      double update_norm) {
    const bool sum = s.variant == lars_variant::sum_of_norms || s.variant == lars_variant::larc;
    if (!(weight_norm > 0) || !(update_norm > 0)) {
      decays = !sum;  // there the published code leaves such a gradient as it is
      return;
    }
    if (sum) update_norm += s.weight_decay * weight_norm + s.epsilon;
    ratio = s.trust_coefficient * weight_norm / update_norm;
    if (s.clip) {
      const double clipped = learning_rate > 0 ? ratio / learning_rate : 1.0;
      ratio = clipped < 1.0 ? clipped : 1.0;
    }
  }
};

/// Which parameters a LARS step adapts, and whether decay is part of the norm that it divides by.
PRETEXT_HOST_DEVICE constexpr bool adapts(const lars_step& s, const parameter_chunk& p) {
  return s.decay_all || s.variant == lars_variant::larc || p.decays;
}
PRETEXT_HOST_DEVICE constexpr bool decayed_norm(const lars_step& s) {
  return s.variant == lars_variant::simclr || s.variant == lars_variant::byol;
}

/// One pass over flat buffers each; `g` is the gradient, `w` the values. On a device that runs apart from the
/// host the rates may be numbers of its memory, read when the step runs.
///   sgd(place, pieces, sgd_step, const W* g, W* velocity, W* w)
///   adamw(place, pieces, adamw_step, const W* g, W* mean, W* square, std::uint64_t* steps, W* w)   counts
///   steps lars(place, pieces, lars_step, const W* g, W* velocity, W* w)
///   follow(place, pieces, device_scalar<double> momentum, const W* w, W* slow)   slow = momentum·slow + (1 -
///   momentum)·w
template <class Device>
struct optimize : missing<Device> {};

}  // namespace pretext::kernels
