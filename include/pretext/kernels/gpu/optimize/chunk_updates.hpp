// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <initializer_list>

#include <pretext/kernels/gpu/block/vector_access.hpp>
#include <pretext/kernels/optimize.hpp>

// One block of threads per chunk of the flat parameter buffers, 16 bytes per access where the chunk is
// aligned. While the recorded loss is NaN or infinite, no parameter changes.
namespace pretext::inline v0_1::grid {

/// Calls `at<N>(i)` of step.of(chunk) for every N elements of every chunk that the step does not skip.
/// `aligned`: whether all flat buffers are.
template <class W, class Step>
struct update_chunks {
  static constexpr unsigned threads = 256;
  using shared = no_memory;
  const kernels::parameter_chunk* list;
  const double* loss;
  bool aligned;
  Step step;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    if (!std::isfinite(*loss)) return;
    const kernels::parameter_chunk p = list[block.index()];
    if (step.skips(p)) return;
    block.for_each_thread([&](unsigned thread) {
      constexpr unsigned wide = lanes<W>;
      const auto update = step.of(p);
      const std::size_t vectors = aligned && p.first % wide == 0 ? p.count / wide : 0;
      for (std::size_t v = thread; v < vectors; v += threads) update.template at<wide>(p.first + v * wide);
      for (std::size_t i = vectors * wide + thread; i < p.count; i += threads)
        update.template at<1>(p.first + i);
    });
  }
};

/// Launches a step over flat buffers of type W, which are listed for their alignment.
template <class W, class Context, class Device, class Step>
void update(Context& context, const kernels::parameter_chunks<Device>& all,
            std::initializer_list<const void*> buffers, const Step& step) {
  if (all.list.size() > 0)
    launch(context.stream, all.list.size(),
           update_chunks<W, Step>{all.list.data(), context.stream.wait_loss(), is_vectorizable<W>(0, buffers),
                                  step});
}

/// A momentum update of elements of the flat buffers.
template <class W>
struct momentum_element {
  kernels::momentum_update<false, W> plain;
  bool nesterov;
  const W* g;
  W *velocity, *w;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const auto gradient = load<N>(g + i);
    auto speed = load<N>(velocity + i), value = load<N>(w + i);
    const kernels::momentum_update<true, W> ahead{plain.decay, plain.scale, plain.momentum, plain.rate};
    for (unsigned k = 0; k < N; ++k)
      if (nesterov)
        ahead(gradient[k], speed[k], value[k]);
      else
        plain(gradient[k], speed[k], value[k]);
    store<N>(velocity + i, speed);
    store<N>(w + i, value);
  }
};

}  // namespace pretext::inline v0_1::grid
