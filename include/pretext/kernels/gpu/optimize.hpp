// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/kernels/gpu/optimize/chunk_updates.hpp>
#include <pretext/kernels/gpu/optimize/lars.hpp>
#include <pretext/kernels/optimize.hpp>

namespace pretext::inline v0_1::grid {

/// SGD's momentum update with a chunk's learning rate and weight decay.
template <class W>
struct sgd_update {
  kernels::sgd_step s;
  const W* g;
  W *velocity, *w;

  PRETEXT_HOST_DEVICE bool skips(const kernels::parameter_chunk& p) const { return kernels::is_frozen(s, p); }
  PRETEXT_HOST_DEVICE momentum_element<W> of(const kernels::parameter_chunk& p) const {
    const W rate = static_cast<W>(kernels::effective_lr(s, p));
    const W decay = static_cast<W>(s.decay_all || p.decays ? kernels::effective_decay(s) : 0);
    return {{decay, W{1}, static_cast<W>(s.momentum), rate}, s.nesterov, g, velocity, w};
  }
};

/// Increments the step count of a group and computes the rates that depend on it, once for all threads.
template <class W>
struct count_adamw_step {
  kernels::adamw_step s;
  const double* loss;
  std::uint64_t* steps;
  kernels::adamw_rates<W>* rates;

  PRETEXT_HOST_DEVICE void operator()(std::size_t group) const {
    const auto which = static_cast<unsigned>(group);
    if (std::isfinite(*loss) && !step_rates(s.rates).is_frozen(which))
      rates[group] = {s, which, static_cast<double>(++steps[group])};
  }
};

/// AdamW (Loshchilov & Hutter 2019).
template <class W>
struct adamw_update {
  kernels::adamw_step s;
  const kernels::adamw_rates<W>* rates;
  const W* g;
  W *mean, *square, *w;

  struct element {
    kernels::adamw_rates<W> rates;
    W rate, decay_scale;
    const W* g;
    W *mean, *square, *w;

    template <unsigned N>
    PRETEXT_HOST_DEVICE void at(std::size_t i) const {
      const auto gradient = load<N>(g + i);
      auto m = load<N>(mean + i), v = load<N>(square + i), value = load<N>(w + i);
      for (unsigned k = 0; k < N; ++k) {
        m[k] = rates.b1 * m[k] + rates.rest1 * gradient[k];
        v[k] = rates.b2 * v[k] + rates.rest2 * gradient[k] * gradient[k];
        value[k] =
            decay_scale * value[k] - rate * m[k] / (std::sqrt(v[k]) * rates.correction + rates.epsilon);
      }
      store<N>(mean + i, m);
      store<N>(square + i, v);
      store<N>(w + i, value);
    }
  };
  PRETEXT_HOST_DEVICE bool skips(const kernels::parameter_chunk& p) const { return kernels::is_frozen(s, p); }
  PRETEXT_HOST_DEVICE element of(const kernels::parameter_chunk& p) const {
    const kernels::adamw_rates<W>& at = rates[p.group];
    return {at, at.rate(p), kernels::adamw_rates<W>::decay_scale(s, p), g, mean, square, w};
  }
};

/// target = momentum·target + (1 - momentum)·w.
template <class W>
struct ema_target {
  device_scalar<double> momentum;
  const W* w;
  W* target;

  struct element {
    W momentum;
    const W* w;
    W* target;

    template <unsigned N>
    PRETEXT_HOST_DEVICE void at(std::size_t i) const {
      const auto from = load<N>(w + i);
      auto to = load<N>(target + i);
      for (unsigned k = 0; k < N; ++k) to[k] = momentum * to[k] + (W{1} - momentum) * from[k];
      store<N>(target + i, to);
    }
  };
  PRETEXT_HOST_DEVICE bool skips(const kernels::parameter_chunk&) const { return false; }
  PRETEXT_HOST_DEVICE element of(const kernels::parameter_chunk&) const {
    return {static_cast<W>(momentum), w, target};
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Updates in place. They do nothing while the recorded loss is NaN or infinite.
template <Accelerator Device>
struct optimize<Device> {
  template <class Context, class W>
  static void sgd(Context& context, const parameter_chunks<Device>& all, const sgd_step& s, const W* g,
                  W* velocity, W* w) {
    grid::update<W>(context, all, {g, velocity, w}, grid::sgd_update<W>{s, g, velocity, w});
  }

  template <class Context, class W>
  static void adamw(Context& context, const parameter_chunks<Device>& all, const adamw_step& s, const W* g,
                    W* mean, W* square, std::uint64_t* steps, W* w) {
    const arena_scope guard{context.workspace};
    auto* const rates = context.workspace.template allocate<adamw_rates<W>>(all.groups);
    grid::parallel_for(context, all.groups,
                       grid::count_adamw_step<W>{s, context.stream.wait_loss(), steps, rates});
    grid::update<W>(context, all, {g, mean, square, w}, grid::adamw_update<W>{s, rates, g, mean, square, w});
  }

  template <class Context, class W>
  static void lars(Context& context, const parameter_chunks<Device>& all, const lars_step& s, const W* g,
                   W* velocity, W* w) {
    const arena_scope guard{context.workspace};
    const std::size_t count = all.list.size();
    const parameter_chunk* const list = all.list.data();
    double* const weight_squares = context.workspace.template allocate<double>(count);
    double* const update_squares = context.workspace.template allocate<double>(count);
    W* const ratio = context.workspace.template allocate<W>(all.rows);
    W* const decay = context.workspace.template allocate<W>(all.rows);
    if (count > 0)
      launch(context.stream, count, grid::chunk_norms<W>{s, list, g, w, weight_squares, update_squares});
    grid::parallel_for(context, count,
                       grid::lars_ratios<W>{s, list, count, weight_squares, update_squares, ratio, decay});
    grid::update<W>(context, all, {g, velocity, w}, grid::lars_update<W>{s, ratio, decay, g, velocity, w});
  }

  template <class Context, class W>
  static void ema_update(Context& context, const parameter_chunks<Device>& all,
                         device_scalar<double> momentum, const W* w, W* target) {
    grid::update<W>(context, all, {w, target}, grid::ema_target<W>{momentum, w, target});
  }
};

}  // namespace pretext::inline v0_1::kernels
