#pragma once
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/devices/cpu.hpp>
#include <pretext/kernels/cpu/simd/isa.hpp>
#include <pretext/kernels/cpu/simd/square_root.hpp>
#include <pretext/kernels/optimize.hpp>

namespace pretext::kernels {
namespace detail {

/// `update(piece, index)` for every piece, each compiled for the best instructions. A thread takes a few
/// adjacent ones, a megabyte of each buffer: memory likes long runs.
template <class Context, class Update>
void for_each_chunk(Context& context, const parameter_chunks<cpu>& all, const Update& update) {
  context.stream.for_each_run(all.list.size(), 16, [&](std::size_t first, std::size_t last) {
    for (std::size_t index = first; index < last; ++index)
      vectorised([&] { update(all.list.data()[index], index); });
  });
}

/// Squares of w and of what LARS divides by, over one piece: eight sums side by side, in double.
template <class W>
struct square_sums {
  double weight = 0, update = 0;

  square_sums(const W* w, const W* g, std::size_t count, W decay) {
    constexpr std::size_t lanes = 8;
    double of_w[lanes]{}, of_u[lanes]{};
    const auto add = [&](std::size_t i, std::size_t lane) {
      const auto a = static_cast<double>(w[i]), b = static_cast<double>(g[i] + decay * w[i]);
      of_w[lane] += a * a;
      of_u[lane] += b * b;
    };
    std::size_t i = 0;
    for (; i + lanes <= count; i += lanes)
      for (std::size_t lane = 0; lane < lanes; ++lane) add(i + lane, lane);
    for (; i < count; ++i) add(i, i % lanes);
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      weight += of_w[lane];
      update += of_u[lane];
    }
  }
};

}  // namespace detail

template <>
struct optimize<cpu> {
  template <class Context, class W>
  static void sgd(Context& context, const parameter_chunks<cpu>& all, const sgd_step& s, const W* g,
                  W* velocity, W* w) {
    const W momentum = static_cast<W>(s.momentum);
    detail::for_each_chunk(context, all, [=](const parameter_chunk& p, std::size_t) {
      const W rate = static_cast<W>(effective_lr(s, p));
      const W decay = static_cast<W>(s.decay_all || p.decays ? s.weight_decay : 0);
      descend(g + p.first, velocity + p.first, w + p.first, p.count, decay, W{1}, momentum, rate, s.nesterov);
    });
  }

  template <class Context, class W>
  static void adamw(Context& context, const parameter_chunks<cpu>& all, const adamw_step& s, const W* g,
                    W* mean, W* square, std::uint64_t* steps, W* w) {
    const adamw_rates<W> rates{s, static_cast<double>(++*steps)};
    const W b1 = rates.b1, b2 = rates.b2, rest1 = rates.rest1, rest2 = rates.rest2;
    const W correction = rates.correction, epsilon = rates.epsilon;
    detail::for_each_chunk(context, all, [=](const parameter_chunk& p, std::size_t) {
      const W rate = rates.rate(p), decay_scale = adamw_rates<W>::decay_scale(s, p);
      constexpr std::size_t most = 512;
      W root[most];
      for (std::size_t first = p.first, end = p.first + p.count; first < end; first += most) {
        const std::size_t run = std::min(most, end - first);
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
  static void lars(Context& context, const parameter_chunks<cpu>& all, const lars_step& s, const W* g,
                   W* velocity, W* w) {
    const arena_scope guard{context.workspace};
    const std::size_t count = all.list.size();
    const parameter_chunk* list = all.list.data();
    const bool inside = s.variant == lars_variant::simclr;

    double* of_weight = context.workspace.template allocate<double>(count);
    double* of_update = context.workspace.template allocate<double>(count);
    detail::for_each_chunk(context, all, [=](const parameter_chunk& p, std::size_t index) {
      if (!adapts(s, p)) return;
      const W decay = static_cast<W>(decayed_norm(s) ? s.weight_decay : 0);
      const detail::square_sums<W> sums{w + p.first, g + p.first, p.count, decay};
      of_weight[index] = sums.weight;
      of_update[index] = sums.update;
    });

    W* ratio = context.workspace.template allocate<W>(all.rows);
    W* decay = context.workspace.template allocate<W>(all.rows);
    for (std::size_t first = 0, last; first < count; first = last) {
      const parameter_chunk& p = list[first];
      double weight = 0, update = 0;
      for (last = first; last < count && list[last].row == p.row; ++last) {
        weight += of_weight[last];
        update += of_update[last];
      }
      ratio[p.row] = W{1};
      decay[p.row] = W{0};
      if (!adapts(s, p)) continue;
      const lars_adaptation adapted{s, effective_lr(s, p), std::sqrt(weight), std::sqrt(update)};
      ratio[p.row] = static_cast<W>(adapted.ratio);
      decay[p.row] = static_cast<W>(adapted.decays ? s.weight_decay : 0);
    }

    const W momentum = static_cast<W>(s.momentum);
    detail::for_each_chunk(context, all, [=](const parameter_chunk& p, std::size_t) {
      const W rate = static_cast<W>(effective_lr(s, p));
      descend(g + p.first, velocity + p.first, w + p.first, p.count, decay[p.row],
              inside ? rate * ratio[p.row] : ratio[p.row], momentum, inside ? W{1} : rate, s.nesterov);
    });
  }

  template <class Context, class W>
  static void ema_update(Context& context, const parameter_chunks<cpu>& all, device_scalar<double> keeps,
                         const W* w, W* target) {
    const W momentum = static_cast<W>(keeps);
    detail::for_each_chunk(context, all, [=](const parameter_chunk& p, std::size_t) {
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

}  // namespace pretext::kernels
