// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/kernels/gpu/optimize/chunk_updates.hpp>

// LARS needs the norms of whole parameters before it can update any element, so it runs three kernels:
// squared norms per chunk, ratios per parameter, updates per element.
namespace pretext::inline v0_1::grid {

/// Squared norms, per chunk, of w and of the update that LARS divides by.
template <class W>
struct chunk_norms {
  static constexpr unsigned threads = 256;
  struct shared {
    double of[threads];
  };
  kernels::lars_step s;
  const kernels::parameter_chunk* list;
  const W *g, *w;
  double *weight_squares, *update_squares;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const kernels::parameter_chunk p = list[block.index()];
    if (!kernels::adapts(s, p) || kernels::is_frozen(s, p)) return;
    const W decay = static_cast<W>(kernels::decayed_norm(s) ? kernels::effective_decay(s) : 0);
    const auto squares = [&](const auto& term) {
      return sum_of_threads(block, block.shared().of, [&](unsigned thread) {
        double sum = 0;
        for (std::size_t i = p.first + thread; i < p.first + p.count; i += threads) {
          const auto x = static_cast<double>(term(i));
          sum += x * x;
        }
        return sum;
      });
    };
    const double weight = squares([&](std::size_t i) { return w[i]; });
    const double update = squares([&](std::size_t i) { return g[i] + decay * w[i]; });
    block.for_each_thread([&](unsigned thread) {
      if (thread != 0) return;
      weight_squares[block.index()] = weight;
      update_squares[block.index()] = update;
    });
  }
};

/// The trust ratio and weight decay of every parameter, from the squared norms of its chunks in order.
template <class W>
struct lars_ratios {
  kernels::lars_step s;
  const kernels::parameter_chunk* list;
  std::size_t count;
  const double *weight_squares, *update_squares;
  W *ratio, *decay;  ///< indexed by the parameter's row in the table

  PRETEXT_HOST_DEVICE void operator()(std::size_t first) const {
    const kernels::parameter_chunk& p = list[first];
    if (first > 0 && list[first - 1].row == p.row) return;  // not the parameter's first chunk
    ratio[p.row] = W{1};
    decay[p.row] = W{0};
    if (!kernels::adapts(s, p) || kernels::is_frozen(s, p)) return;
    double weight = 0, update = 0;
    for (std::size_t i = first; i < count && list[i].row == p.row; ++i) {
      weight += weight_squares[i];
      update += update_squares[i];
    }
    const kernels::lars_adaptation adapted{s, kernels::effective_lr(s, p), std::sqrt(weight),
                                           std::sqrt(update)};
    ratio[p.row] = static_cast<W>(adapted.ratio);
    decay[p.row] = static_cast<W>(adapted.decays ? kernels::effective_decay(s) : 0);
  }
};

/// The momentum update with the trust ratio. SimCLR's variant applies the learning rate inside the velocity,
/// too.
template <class W>
struct lars_update {
  kernels::lars_step s;
  const W *ratio, *decay, *g;
  W *velocity, *w;

  PRETEXT_HOST_DEVICE bool skips(const kernels::parameter_chunk& p) const { return kernels::is_frozen(s, p); }
  PRETEXT_HOST_DEVICE momentum_element<W> of(const kernels::parameter_chunk& p) const {
    const bool rate_in_velocity = s.variant == lars_variant::simclr;
    const W rate = static_cast<W>(kernels::effective_lr(s, p)), trust = ratio[p.row];
    return {{decay[p.row], rate_in_velocity ? rate * trust : trust, static_cast<W>(s.momentum),
             rate_in_velocity ? W{1} : rate},
            s.nesterov,
            g,
            velocity,
            w};
  }
};

}  // namespace pretext::inline v0_1::grid
