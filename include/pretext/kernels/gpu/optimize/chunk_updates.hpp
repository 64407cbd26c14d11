// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>

#include <pretext/devices/grid/kernel.hpp>
#include <pretext/kernels/optimize.hpp>

// One block of threads per chunk of the flat parameter buffers. While the recorded loss is NaN or infinite,
// no parameter changes.
namespace pretext::inline v0_1::grid {

/// Calls step.of(chunk)(i) for every element of every chunk that the step does not skip.
template <class Step>
struct update_chunks {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  const kernels::parameter_chunk* list;
  const double* loss;
  Step step;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    if (!std::isfinite(*loss)) return;
    const kernels::parameter_chunk p = list[block.index()];
    if (step.skips(p)) return;
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
           update_chunks<Step>{all.list.data(), context.stream.wait_loss(), step});
}

/// A momentum update of one element of the flat buffers.
template <class W>
struct momentum_element {
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

}  // namespace pretext::inline v0_1::grid
