// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <pretext/core/device_scalar.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/core/tensor.hpp>
#include <pretext/kernels/kernel.hpp>

namespace pretext::inline v0_1 {

/// The variants of LARS in published code; they differ in where the learning rate and the weight decay enter.
enum class lars_variant {
  simclr,  ///< learning rate inside the momentum, ratio over the decayed gradient
  byol,    ///< learning rate outside the momentum, ratio over the decayed gradient; also MAE's and MoCo v3's
  sum_of_norms,  ///< ratio over ‖g‖ + decay·‖w‖ as in You et al. 2017; solo-learn, lightly
  larc,          ///< sum_of_norms that leaves no parameter out; SwAV, VISSL
};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::kernels {

/// A range of the flat buffers within one parameter, which one thread updates.
struct parameter_chunk {
  std::size_t first = 0;             ///< its first element in the flat buffers
  std::uint32_t count = 0, row = 0;  ///< its elements, and its parameter's row of the table
  bool decays = true;                ///< whether weight decay applies
  unsigned group = 0;                ///< of its parameter
  double lr_multiplier = 1;          ///< of the step's learning rate
};

/// Elements of a chunk: the last one of a parameter may have fewer.
inline constexpr std::size_t chunk_length = std::size_t{1} << 14;
/// The number of a parameter's chunks: none if it is not learned, by its role or because it is frozen for
/// ever (multiplier 0).
constexpr std::size_t chunks_of(const parameter& p) {
  const bool learns = p.role == parameter_role::trainable && p.lr_multiplier != 0;
  return learns ? (p.size() + chunk_length - 1) / chunk_length : 0;
}

/// The parameters of a table that learn, divided into chunks.
template <class Device>
struct parameter_chunks {
  buffer<parameter_chunk, Device> list;
  std::size_t rows = 0, size = 0;  ///< rows of the table, and elements of a flat buffer
  std::size_t groups = 1;          ///< one more than the table's largest group

  explicit parameter_chunks(std::span<const parameter> table) : rows{table.size()} {
    std::vector<parameter_chunk> cut;
    for (std::uint32_t row = 0; row < rows; ++row) {
      const parameter& p = table[row];
      expects(p.group < step_rates::groups, "parameter ", p.name(), " is in group ", p.group,
              "; groups are numbered from 0 to ", step_rates::groups - 1);
      size = std::max(size, p.offset + p.size());
      groups = std::max(groups, std::size_t{p.group} + 1);
      for (std::size_t chunk = 0, done = 0; chunk < chunks_of(p); ++chunk, done += chunk_length)
        cut.push_back({p.offset + done, static_cast<std::uint32_t>(std::min(chunk_length, p.size() - done)),
                       row, p.weight_decay == parameter_decay::yes, p.group, p.lr_multiplier});
    }
    list = buffer<parameter_chunk, Device>{cut.size()};
    Device::write(typename Device::stream{}, list.data(), cut.data(), cut.size());
  }
};

/// The hyper-parameters of one step. The rates may be stored in the device's memory.
struct sgd_step {
  device_scalar<step_rates> rates;
  double momentum, weight_decay;
  bool nesterov, decay_all;
};
/// The hyper-parameters of an AdamW step.
struct adamw_step {
  device_scalar<step_rates> rates;
  double beta1, beta2, epsilon, weight_decay;
  bool decay_all;
};
/// The hyper-parameters of a LARS step.
struct lars_step {
  device_scalar<step_rates> rates;
  double momentum, weight_decay, trust_coefficient, epsilon;
  lars_variant variant;
  bool nesterov, clip, decay_all;
  double excluded_rate = 1;
};

/// Whether a chunk stays as it is in this step.
template <class Step>
PRETEXT_HOST_DEVICE bool is_frozen(const Step& s, const parameter_chunk& p) {
  return step_rates(s.rates).is_frozen(p.group);
}
/// The learning rate of a chunk.
template <class Step>
PRETEXT_HOST_DEVICE double effective_lr(const Step& s, const parameter_chunk& p) {
  return step_rates(s.rates).rate(p.group) * p.lr_multiplier;
}
/// The weight decay of a step.
template <class Step>
PRETEXT_HOST_DEVICE double effective_decay(const Step& s) {
  return step_rates(s.rates).weight_decay_or(s.weight_decay);
}

/// One weight's step with momentum: v = m·v + scale·(g + decay·w), then w -= rate·v, or rate·(m·v + scale·(g
/// + decay·w)) with Nesterov's momentum.
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

/// The factors that all weights of a group share in an AdamW step: the betas and the bias corrections of the
/// group's step `step`, counted from 1 (Loshchilov & Hutter 2019).
template <class W>
struct adamw_rates {
  W b1, b2, rest1, rest2, correction, epsilon;
  double corrected;  ///< learning rate

  adamw_rates() = default;
  PRETEXT_HOST_DEVICE adamw_rates(const adamw_step& s, unsigned group, double step)
      : b1{static_cast<W>(s.beta1)},
        b2{static_cast<W>(s.beta2)},
        rest1{static_cast<W>(1 - s.beta1)},
        rest2{static_cast<W>(1 - s.beta2)},
        correction{static_cast<W>(1 / std::sqrt(1 - std::pow(s.beta2, step)))},
        epsilon{static_cast<W>(s.epsilon)},
        corrected{step_rates(s.rates).rate(group) / (1 - std::pow(s.beta1, step))} {}
  PRETEXT_HOST_DEVICE W rate(const parameter_chunk& p) const {
    return static_cast<W>(corrected * p.lr_multiplier);
  }
  /// The factor that decoupled weight decay multiplies a weight by.
  PRETEXT_HOST_DEVICE static W decay_scale(const adamw_step& s, const parameter_chunk& p) {
    return static_cast<W>(s.decay_all || p.decays ? 1 - effective_lr(s, p) * effective_decay(s) : 1);
  }
};

/// LARS's trust ratio of a parameter, which multiplies its decayed gradient, from the norms of its weights
/// and of its update (You et al. 2017).
struct lars_adaptation {
  double ratio = 1;
  bool decays = true;  ///< whether weight decay applies

  PRETEXT_HOST_DEVICE lars_adaptation(const lars_step& s, double learning_rate, double weight_norm,
                                      double update_norm) {
    const bool sum = s.variant == lars_variant::sum_of_norms || s.variant == lars_variant::larc;
    if (!(weight_norm > 0) || !(update_norm > 0)) {
      decays = !sum;  // those published codes use such a gradient without decay
      return;
    }
    if (sum) update_norm += effective_decay(s) * weight_norm + s.epsilon;
    ratio = s.trust_coefficient * weight_norm / update_norm;
    if (s.clip) {
      const double clipped = learning_rate > 0 ? ratio / learning_rate : 1.0;
      ratio = clipped < 1.0 ? clipped : 1.0;
    }
  }
};

/// Whether a LARS step scales a parameter by its trust ratio.
PRETEXT_HOST_DEVICE constexpr bool adapts(const lars_step& s, const parameter_chunk& p) {
  return s.decay_all || s.variant == lars_variant::larc || p.decays;
}
/// The learning rate of a chunk in a LARS step.
PRETEXT_HOST_DEVICE inline double effective_lr(const lars_step& s, const parameter_chunk& p) {
  return step_rates(s.rates).rate(p.group) * p.lr_multiplier * (adapts(s, p) ? 1 : s.excluded_rate);
}
/// Whether the norm of the update includes weight decay.
PRETEXT_HOST_DEVICE constexpr bool decayed_norm(const lars_step& s) {
  return s.variant == lars_variant::simclr || s.variant == lars_variant::byol;
}

/// Optimizer steps over flat buffers: `g` is the gradient, `w` the weights.
template <class Device>
struct optimize : missing<Device> {};

/// The calls that a device's `optimize` accepts.
template <class Context, class W = weight_of<Context>, class Kernel = optimize<device_of<Context>>>
concept OptimizeKernel = requires(Context& context, const parameter_chunks<device_of<Context>>& chunks,
                                  const sgd_step& sgd, const adamw_step& adamw, const lars_step& lars,
                                  device_scalar<double> momentum, const W* online, const W* g, W* velocity,
                                  W* mean, W* square, std::uint64_t* steps, W* w, W* target) {
  Kernel::sgd(context, chunks, sgd, g, velocity, w);
  // increments `steps` (one for each of chunks.groups) of the groups that are not frozen; the bias
  // corrections are computed from them
  Kernel::adamw(context, chunks, adamw, g, mean, square, steps, w);
  Kernel::lars(context, chunks, lars, g, velocity, w);
  // target = momentum·target + (1 - momentum)·online
  Kernel::ema_update(context, chunks, momentum, online, target);
};

}  // namespace pretext::inline v0_1::kernels
