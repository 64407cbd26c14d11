#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <pretext/core/arena.hpp>
#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/optimize.hpp>

// A block of threads for each piece of the flat buffers. While the settled loss is not a number, nothing
// changes.
namespace pretext::grid {

/// `step.update(piece, index of a number)` for all numbers of all pieces.
template <class Step>
struct update_pieces {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  const kernels::parameter_chunk* list;
  const double* loss;
  Step step;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    if (!std::isfinite(*loss)) return;
    const kernels::parameter_chunk p = list[block.index()];
    block.for_each_thread([&](unsigned thread) {
      const auto update = step.of(p);
      for (std::size_t i = p.first + thread; i < p.first + p.count; i += threads) update(i);
    });
  }
};

template <class Context, class Device, class Step>
void update(Context& context, const kernels::parameter_chunks<Device>& all, const Step& step) {
  if (all.list.size() > 0)
    launch(context.stream, all.list.size(),
           update_pieces<Step>{all.list.data(), context.stream.wait_loss(), step});
}

/// A momentum update of one number of the flat buffers.
template <class W>
struct move_number {
  kernels::momentum_update<false, W> plain;
  bool nesterov;
  const W* g;
  W *velocity, *w;

  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    if (nesterov)
      kernels::momentum_update<true, W>{plain.decay, plain.scale, plain.momentum, plain.rate}(
          g[i], velocity[i], w[i]);
    else
      plain(g[i], velocity[i], w[i]);
  }
};

template <class W>
struct sgd_update {
  kernels::sgd_step s;
  const W* g;
  W *velocity, *w;

  PRETEXT_HOST_DEVICE move_number<W> of(const kernels::parameter_chunk& p) const {
    const W rate = static_cast<W>(kernels::effective_lr(s, p));
    const W decay = static_cast<W>(s.decay_all || p.decays ? s.weight_decay : 0);
    return {{decay, W{1}, static_cast<W>(s.momentum), rate}, s.nesterov, g, velocity, w};
  }
};

/// Counts the step and leaves what depends on its number for all threads to read.
template <class W>
struct count_adamw_step {
  kernels::adamw_step s;
  const double* loss;
  std::uint64_t* steps;
  kernels::adamw_rates<W>* rates;

  PRETEXT_HOST_DEVICE void operator()(std::size_t) const {
    if (std::isfinite(*loss)) *rates = {s, static_cast<double>(++*steps)};
  }
};

template <class W>
struct adamw_update {
  kernels::adamw_step s;
  const kernels::adamw_rates<W>* rates;
  const W* g;
  W *mean, *square, *w;

  struct number {
    kernels::adamw_rates<W> at;
    W rate, decay_scale;
    const W* g;
    W *mean, *square, *w;

    PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
      const W slope = g[i];
      mean[i] = at.b1 * mean[i] + at.rest1 * slope;
      square[i] = at.b2 * square[i] + at.rest2 * slope * slope;
      w[i] = decay_scale * w[i] - rate * mean[i] / (std::sqrt(square[i]) * at.correction + at.epsilon);
    }
  };
  PRETEXT_HOST_DEVICE number of(const kernels::parameter_chunk& p) const {
    return {*rates, rates->rate(p), kernels::adamw_rates<W>::decay_scale(s, p), g, mean, square, w};
  }
};

/// Squares of w and of what LARS divides by, over each piece.
template <class W>
struct squares_of_pieces {
  static constexpr unsigned threads = 256;
  struct shared {
    double of[threads];
  };
  kernels::lars_step s;
  const kernels::parameter_chunk* list;
  const W *g, *w;
  double *of_weight, *of_update;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    const kernels::parameter_chunk p = list[block.index()];
    if (!kernels::adapts(s, p)) return;
    const W decay = static_cast<W>(kernels::decayed_norm(s) ? s.weight_decay : 0);
    const auto squares = [&](const auto& number) {
      return sum_of_threads(block, block.shared().of, [&](unsigned thread) {
        double sum = 0;
        for (std::size_t i = p.first + thread; i < p.first + p.count; i += threads) {
          const auto x = static_cast<double>(number(i));
          sum += x * x;
        }
        return sum;
      });
    };
    const double weight = squares([&](std::size_t i) { return w[i]; });
    const double update = squares([&](std::size_t i) { return g[i] + decay * w[i]; });
    block.for_each_thread([&](unsigned thread) {
      if (thread != 0) return;
      of_weight[block.index()] = weight;
      of_update[block.index()] = update;
    });
  }
};

/// The ratio and the decay of every parameter, from the squares of its pieces in their order.
template <class W>
struct lars_ratios {
  kernels::lars_step s;
  const kernels::parameter_chunk* list;
  std::size_t count;
  const double *of_weight, *of_update;
  W *ratio, *decay;  ///< by row of the table

  PRETEXT_HOST_DEVICE void operator()(std::size_t first) const {
    const kernels::parameter_chunk& p = list[first];
    if (first > 0 && list[first - 1].row == p.row) return;  // somebody else's parameter
    ratio[p.row] = W{1};
    decay[p.row] = W{0};
    if (!kernels::adapts(s, p)) return;
    double weight = 0, update = 0;
    for (std::size_t i = first; i < count && list[i].row == p.row; ++i) {
      weight += of_weight[i];
      update += of_update[i];
    }
    const kernels::lars_adaptation adapted{s, kernels::effective_lr(s, p), std::sqrt(weight),
                                           std::sqrt(update)};
    ratio[p.row] = static_cast<W>(adapted.ratio);
    decay[p.row] = static_cast<W>(adapted.decays ? s.weight_decay : 0);
  }
};

template <class W>
struct lars_update {
  kernels::lars_step s;
  const W *ratio, *decay, *g;
  W *velocity, *w;

  PRETEXT_HOST_DEVICE move_number<W> of(const kernels::parameter_chunk& p) const {
    const bool inside = s.variant == lars_variant::simclr;
    const W rate = static_cast<W>(kernels::effective_lr(s, p)), by = ratio[p.row];
    return {{decay[p.row], inside ? rate * by : by, static_cast<W>(s.momentum), inside ? W{1} : rate},
            s.nesterov,
            g,
            velocity,
            w};
  }
};

template <class W>
struct follow_weights {
  device_scalar<double> momentum;
  const W* w;
  W* target;

  struct number {
    W momentum;
    const W* w;
    W* target;

    PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
      target[i] = momentum * target[i] + (W{1} - momentum) * w[i];
    }
  };
  PRETEXT_HOST_DEVICE number of(const kernels::parameter_chunk&) const {
    return {static_cast<W>(momentum), w, target};
  }
};

}  // namespace pretext::grid

namespace pretext::kernels {

template <Accelerator Device>
struct optimize<Device> {
  template <class Context, class W>
  static void sgd(Context& context, const parameter_chunks<Device>& all, const sgd_step& s, const W* g,
                  W* velocity, W* w) {
    grid::update(context, all, grid::sgd_update<W>{s, g, velocity, w});
  }

  template <class Context, class W>
  static void adamw(Context& context, const parameter_chunks<Device>& all, const adamw_step& s, const W* g,
                    W* mean, W* square, std::uint64_t* steps, W* w) {
    const arena_scope guard{context.workspace};
    auto* const rates = context.workspace.template allocate<adamw_rates<W>>(1);
    grid::parallel_for(context, 1, grid::count_adamw_step<W>{s, context.stream.wait_loss(), steps, rates});
    grid::update(context, all, grid::adamw_update<W>{s, rates, g, mean, square, w});
  }

  template <class Context, class W>
  static void lars(Context& context, const parameter_chunks<Device>& all, const lars_step& s, const W* g,
                   W* velocity, W* w) {
    const arena_scope guard{context.workspace};
    const std::size_t count = all.list.size();
    const parameter_chunk* const list = all.list.data();
    double* const of_weight = context.workspace.template allocate<double>(count);
    double* const of_update = context.workspace.template allocate<double>(count);
    W* const ratio = context.workspace.template allocate<W>(all.rows);
    W* const decay = context.workspace.template allocate<W>(all.rows);
    if (count > 0)
      launch(context.stream, count, grid::squares_of_pieces<W>{s, list, g, w, of_weight, of_update});
    grid::parallel_for(context, count,
                       grid::lars_ratios<W>{s, list, count, of_weight, of_update, ratio, decay});
    grid::update(context, all, grid::lars_update<W>{s, ratio, decay, g, velocity, w});
  }

  template <class Context, class W>
  static void ema_update(Context& context, const parameter_chunks<Device>& all,
                         device_scalar<double> momentum, const W* w, W* target) {
    grid::update(context, all, grid::follow_weights<W>{momentum, w, target});
  }
};

}  // namespace pretext::kernels
