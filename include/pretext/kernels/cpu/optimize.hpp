// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/core/step_rates.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/square_root.hpp>
#include <pretext/kernels/optimize.hpp>

namespace pretext::inline v0_1::kernels {
namespace detail {

/// Calls `update(chunk, index)` for every chunk, vectorised. A unit of work is 16 adjacent chunks, a megabyte
/// of each buffer, because memory is fastest in long runs.
template <class Context, class Update>
void for_each_chunk(Context& context, const parameter_chunks<cpu>& chunks, const Update& update) {
  context.stream.for_each_run(chunks.list.size(), 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t index = first; index < last; ++index)
      vectorised([&] { update(chunks.list.data()[index], index); });
  });
}

/// Σ w² and Σ (g + decay·w)² over one chunk, the squared norms of LARS: eight partial sums each, in double.
template <class W>
struct square_sums {
  double weight = 0, update = 0;

  square_sums(const W* w, const W* g, std::size_t count, W decay) {
    constexpr std::size_t lanes = 8;
    double w_squares[lanes]{}, update_squares[lanes]{};
    const auto add = [&](std::size_t i, std::size_t lane) {
      const auto a = static_cast<double>(w[i]), b = static_cast<double>(g[i] + decay * w[i]);
      w_squares[lane] += a * a;
      update_squares[lane] += b * b;
    };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes)
      for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
    for (; i < count; ++i) add(i, i % lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      weight += w_squares[lane];
      update += update_squares[lane];
    }
  }
};

}  // namespace detail

/// Threads update chunks of parameters. LARS first sums squares per chunk, and adds them per parameter in
/// order.
template <>
struct optimize<cpu> {
  template <class Context, class W>
  static void sgd(Context& context, const parameter_chunks<cpu>& chunks, const sgd_step& s, const W* g,
                  W* velocity, W* w) {
    const W momentum = static_cast<W>(s.momentum);
    detail::for_each_chunk(context, chunks, [=](const parameter_chunk& p, std::size_t) {
      if (is_frozen(s, p)) return;
      const W rate = static_cast<W>(effective_lr(s, p));
      const W decay = static_cast<W>(s.decay_all || p.decays ? effective_decay(s) : 0);
      descend(g + p.first, velocity + p.first, w + p.first, p.count, decay, W{1}, momentum, rate, s.nesterov);
    });
  }

  template <class Context, class W>
  static void adamw(Context& context, const parameter_chunks<cpu>& chunks, const adamw_step& s, const W* g,
                    W* mean, W* square, std::uint64_t* steps, W* w) {
    std::array<adamw_rates<W>, step_rates::groups> of_group{};
    for (unsigned group = 0; group < chunks.groups; ++group)
      if (!step_rates(s.rates).is_frozen(group))
        of_group[group] = {s, group, static_cast<double>(++steps[group])};
    detail::for_each_chunk(context, chunks, [=](const parameter_chunk& p, std::size_t) {
      if (is_frozen(s, p)) return;
      const adamw_rates<W> rates = of_group[p.group];
      const W b1 = rates.b1, b2 = rates.b2, rest1 = rates.rest1, rest2 = rates.rest2;
      const W correction = rates.correction, epsilon = rates.epsilon;
      const W rate = rates.rate(p), decay_scale = adamw_rates<W>::decay_scale(s, p);
      constexpr std::size_t max_run = 512;
      W root[max_run];
      for (std::size_t first = p.first, end = p.first + p.count; first < end; first += max_run) {
        const std::size_t run = std::min(max_run, end - first);
        W* __restrict m = mean + first, * __restrict v = square + first, * __restrict to = w + first;
        const W* __restrict slope = g + first;
        for (std::size_t i = 0; i < run; ++i) {
          m[i] = b1 * m[i] + rest1 * slope[i];
          root[i] = v[i] = b2 * v[i] + rest2 * slope[i] * slope[i];
        }
        detail::square_roots(run, root);
        for (std::size_t i = 0; i < run; ++i)
          to[i] = decay_scale * to[i] - rate * m[i] / (root[i] * correction + epsilon);
      }
    });
  }

  template <class Context, class W>
  static void lars(Context& context, const parameter_chunks<cpu>& chunks, const lars_step& s, const W* g,
                   W* velocity, W* w) {
    const arena_scope guard{context.workspace};
    const std::size_t count = chunks.list.size();
    const parameter_chunk* list = chunks.list.data();
    const bool inside = s.variant == lars_variant::simclr;

    double* weight_squares = context.workspace.template allocate<double>(count);
    double* update_squares = context.workspace.template allocate<double>(count);
    detail::for_each_chunk(context, chunks, [=](const parameter_chunk& p, std::size_t index) {
      if (!adapts(s, p) || is_frozen(s, p)) return;
      const W decay = static_cast<W>(decayed_norm(s) ? effective_decay(s) : 0);
      const detail::square_sums<W> sums{w + p.first, g + p.first, p.count, decay};
      weight_squares[index] = sums.weight;
      update_squares[index] = sums.update;
    });

    W* ratio = context.workspace.template allocate<W>(chunks.rows);
    W* decay = context.workspace.template allocate<W>(chunks.rows);
    for (std::size_t first = 0, last; first < count; first = last) {
      const parameter_chunk& p = list[first];
      double weight = 0, update = 0;
      for (last = first; last < count && list[last].row == p.row; ++last) {
        weight += weight_squares[last];
        update += update_squares[last];
      }
      ratio[p.row] = W{1};
      decay[p.row] = W{0};
      if (!adapts(s, p) || is_frozen(s, p)) continue;
      const lars_adaptation adapted{s, effective_lr(s, p), std::sqrt(weight), std::sqrt(update)};
      ratio[p.row] = static_cast<W>(adapted.ratio);
      decay[p.row] = static_cast<W>(adapted.decays ? effective_decay(s) : 0);
    }

    const W momentum = static_cast<W>(s.momentum);
    detail::for_each_chunk(context, chunks, [=](const parameter_chunk& p, std::size_t) {
      if (is_frozen(s, p)) return;
      const W rate = static_cast<W>(effective_lr(s, p));
      descend(g + p.first, velocity + p.first, w + p.first, p.count, decay[p.row],
              inside ? rate * ratio[p.row] : ratio[p.row], momentum, inside ? W{1} : rate, s.nesterov);
    });
  }

  template <class Context, class W>
  static void ema_update(Context& context, const parameter_chunks<cpu>& chunks,
                         device_scalar<double> stored_momentum, const W* w, W* target) {
    const W momentum = static_cast<W>(stored_momentum);
    detail::for_each_chunk(context, chunks, [=](const parameter_chunk& p, std::size_t) {
      for (std::size_t i = p.first; i < p.first + p.count; ++i)
        target[i] = momentum * target[i] + (W{1} - momentum) * w[i];
    });
  }

 private:
  template <class W>
  static void descend(const W* g, W* v, W* w, std::size_t count, W decay, W scale, W momentum, W rate,
                      bool nesterov) {
    const auto each = [=](const auto& update) {
      for (std::size_t i = 0; i < count; ++i) update(g[i], v[i], w[i]);
    };
    if (nesterov)
      each(momentum_update<true, W>{decay, scale, momentum, rate});
    else
      each(momentum_update<false, W>{decay, scale, momentum, rate});
  }
};

}  // namespace pretext::inline v0_1::kernels
