// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/arena.hpp>
#include <pretext/kernels/depthwise_convolution.hpp>
#include <pretext/kernels/gpu/block/vector_access.hpp>

namespace pretext::inline v0_1::grid {

/// Adjacent results of one line that one thread computes, for as many channels as fit in 16 bytes.
inline constexpr unsigned depthwise_abreast = 4;

/// The result; with `mirrored` the kernel is turned by 180 degrees, which makes it the gradient of the
/// images.
template <class T, class W>
struct depthwise_forward {
  kernels::depthwise_extents e;
  bool mirrored;
  const T* x;
  const W *w, *bias;
  T* y;

  PRETEXT_HOST_DEVICE std::size_t tiles() const { return ceil_div(e.out_width(), depthwise_abreast); }

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t c = i % e.channels, tile = i / e.channels % tiles(), line = i / e.channels / tiles(),
                      row = line % e.out_height(), n = line / e.out_height();
    const std::size_t left = tile * depthwise_abreast;
    vec<arithmetic<T>, N> sum[depthwise_abreast]{};
    for (unsigned k = 0; bias && k < N; ++k)
      for (auto& each : sum) each[k] = static_cast<arithmetic<T>>(bias[c + k]);
    for (std::size_t a = 0; a < e.kernel; ++a) {
      const std::size_t from = row * e.stride + a - e.padding;  // outside of the image wrapped to large ones
      for (std::size_t b = 0; from < e.height && b < e.kernel; ++b) {
        const std::size_t tap = a * e.kernel + b;
        const W* const weight = w + (mirrored ? e.taps() - 1 - tap : tap) * e.channels + c;
        for (std::size_t r = 0; r < depthwise_abreast; ++r) {
          const std::size_t column = (left + r) * e.stride + b - e.padding;
          if (column >= e.width) continue;
          const auto pixel = load<N>(x + ((n * e.height + from) * e.width + column) * e.channels + c);
          for (unsigned k = 0; k < N; ++k) sum[r][k] += pixel[k] * static_cast<arithmetic<T>>(weight[k]);
        }
      }
    }
    for (std::size_t r = 0; r < depthwise_abreast && left + r < e.out_width(); ++r)
      store<N>(y + (line * e.out_width() + left + r) * e.channels + c, sum[r]);
  }
};

/// The gradient of the images for any stride: each pixel gathers the results that read it.
template <class T, class W>
struct depthwise_gather {
  kernels::depthwise_extents e;
  const T* dy;
  const W* w;
  T* dx;

  template <unsigned N>
  PRETEXT_HOST_DEVICE void at(std::size_t i) const {
    const std::size_t c = i % e.channels, pixel = i / e.channels, column = pixel % e.width,
                      row = pixel / e.width % e.height, n = pixel / e.width / e.height;
    vec<arithmetic<T>, N> sum{};
    for (std::size_t a = 0; a < e.kernel; ++a)
      for (std::size_t b = 0; b < e.kernel; ++b) {
        const std::size_t down = row + e.padding - a, across = column + e.padding - b;  // may wrap around
        if (down % e.stride != 0 || across % e.stride != 0 || down / e.stride >= e.out_height() ||
            across / e.stride >= e.out_width())
          continue;
        const std::size_t from = (n * e.out_height() + down / e.stride) * e.out_width() + across / e.stride;
        const auto slope = load<N>(dy + from * e.channels + c);
        const W* const weight = w + (a * e.kernel + b) * e.channels + c;
        for (unsigned k = 0; k < N; ++k) sum[k] += slope[k] * static_cast<arithmetic<T>>(weight[k]);
      }
    store<N>(dx + i, sum);
  }
};

/// How the gradient of the weights is divided among blocks: a block sums one row of taps over some results,
/// for some channels. A function of the shape and of the vector width alone.
struct depthwise_split {
  kernels::depthwise_extents e;
  std::size_t batch;
  unsigned lanes;

  static constexpr unsigned threads = 256, results_per_thread = 64;
  PRETEXT_HOST_DEVICE constexpr std::size_t results() const { return batch * e.out_height() * e.out_width(); }
  /// Vectors of channels that a block covers: a power of two.
  PRETEXT_HOST_DEVICE constexpr unsigned wide() const {
    unsigned vectors = 1;
    while (vectors < 32 && vectors * lanes < e.channels) vectors *= 2;
    return vectors;
  }
  PRETEXT_HOST_DEVICE constexpr unsigned tall() const { return threads / wide(); }
  PRETEXT_HOST_DEVICE constexpr std::size_t channel_blocks() const {
    return ceil_div(e.channels, std::size_t{wide()} * lanes);
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t results_per_block() const {
    return std::size_t{tall()} * results_per_thread;
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t result_blocks() const {
    return ceil_div(results(), results_per_block());
  }
  PRETEXT_HOST_DEVICE constexpr std::size_t blocks() const {
    return result_blocks() * e.kernel * channel_blocks();
  }
};

/// Sums of each block, to partial (result_blocks, taps, channels). A thread adds its results in R, and the
/// threads' sums are added in double, in order.
template <class T>
struct depthwise_weight_sums {
  using R = arithmetic<T>;
  static constexpr unsigned threads = depthwise_split::threads;
  struct shared {
    double of[threads * lanes<T>];
  };
  depthwise_split split;
  const T *x, *dy;
  double* partial;

  template <class Block>
  PRETEXT_HOST_DEVICE void operator()(Block& block) const {
    if (split.lanes == 1)
      sum<1>(block);
    else
      sum<lanes<T>>(block);
  }

 private:
  template <unsigned N, class Block>
  PRETEXT_HOST_DEVICE void sum(Block& block) const {
    auto& memory = block.shared();
    const auto& e = split.e;
    const std::size_t across = block.index() % split.channel_blocks(),
                      a = block.index() / split.channel_blocks() % e.kernel,
                      down = block.index() / split.channel_blocks() / e.kernel;
    const unsigned wide = split.wide(), tall = split.tall(), width = wide * N;
    for (std::size_t b = 0; b < e.kernel; ++b) {
      block.for_each_thread([&](unsigned thread) {
        const std::size_t c = across * width + thread % wide * N;
        const auto total = c < e.channels ? tap_sum<N>(a, b, c, down, thread / wide) : vec<R, N>{};
        for (unsigned k = 0; k < N; ++k) memory.of[thread * N + k] = static_cast<double>(total[k]);
      });
      block.for_each_thread([&](unsigned thread) {
        for (std::size_t c = thread; c < width && across * width + c < e.channels; c += threads) {
          double total = 0;
          for (unsigned r = 0; r < tall; ++r) total += memory.of[r * width + c];
          partial[(down * e.taps() + a * e.kernel + b) * e.channels + across * width + c] = total;
        }
      });
    }
  }

  /// The sum of one tap over the results of one thread.
  template <unsigned N>
  PRETEXT_HOST_DEVICE vec<R, N> tap_sum(std::size_t a, std::size_t b, std::size_t c, std::size_t down,
                                        std::size_t first) const {
    const auto& e = split.e;
    const std::size_t begin = down * split.results_per_block(),
                      end = smaller(begin + split.results_per_block(), split.results());
    vec<R, N> total{};
    for (std::size_t i = begin + first; i < end; i += split.tall()) {
      const std::size_t column = i % e.out_width() * e.stride + b - e.padding,
                        row = i / e.out_width() % e.out_height() * e.stride + a - e.padding,
                        n = i / e.out_width() / e.out_height();
      if (row >= e.height || column >= e.width) continue;
      const auto slope = load<N>(dy + i * e.channels + c);
      const auto pixel = load<N>(x + ((n * e.height + row) * e.width + column) * e.channels + c);
      for (unsigned k = 0; k < N; ++k) total[k] += slope[k] * pixel[k];
    }
    return total;
  }
};

/// Adds the sums of all blocks to the gradient.
template <class W>
struct add_depthwise_sums {
  std::size_t blocks, size;
  const double* partial;
  W* dw;
  PRETEXT_HOST_DEVICE void operator()(std::size_t i) const {
    double sum = 0;
    for (std::size_t block = 0; block < blocks; ++block) sum += partial[block * size + i];
    dw[i] += static_cast<W>(sum);
  }
};

}  // namespace pretext::inline v0_1::grid

namespace pretext::inline v0_1::kernels {

/// Each thread computes four adjacent results of as many channels as fit in 16 bytes.
template <Accelerator Device>
struct depthwise_convolution<Device> {
  template <class Context, class T, class W>
  static void forward(Context& context, const depthwise_extents& e, std::size_t batch, const T* x, const W* w,
                      const W* bias, T* y) {
    run(context, batch, grid::depthwise_forward<T, W>{e, false, x, w, bias, y});
  }

  template <class Context, class T, class W>
  static void backward_data(Context& context, const depthwise_extents& e, std::size_t batch, const T* dy,
                            const W* w, T* dx) {
    if (e.stride == 1)
      run(context, batch,
          grid::depthwise_forward<T, W>{
              {e.out_height(), e.out_width(), e.channels, e.kernel, 1, e.kernel - 1 - e.padding},
              true,
              dy,
              w,
              nullptr,
              dx});
    else
      grid::parallel_for_vec<T>(context, batch * e.height * e.width * e.channels, e.channels, {dy, dx},
                                grid::depthwise_gather<T, W>{e, dy, w, dx});
  }

  template <class Context, class T, class W>
  static void backward_weights(Context& context, const depthwise_extents& e, std::size_t batch, const T* x,
                               const T* dy, W* dw) {
    if (batch == 0) return;
    const grid::depthwise_split split{e, batch,
                                      grid::is_vectorizable<T>(e.channels, {x, dy}) ? grid::lanes<T> : 1};
    const arena_scope guard{context.workspace};
    double* const partial =
        context.workspace.template allocate<double>(split.result_blocks() * e.taps() * e.channels);
    launch(context.stream, split.blocks(), grid::depthwise_weight_sums<T>{split, x, dy, partial});
    grid::parallel_for(
        context, e.taps() * e.channels,
        grid::add_depthwise_sums<W>{split.result_blocks(), e.taps() * e.channels, partial, dw});
  }

 private:
  template <class Context, class T, class W>
  static void run(Context& context, std::size_t batch, const grid::depthwise_forward<T, W>& work) {
    const auto& e = work.e;
    grid::parallel_for_vec<T>(context, batch * e.out_height() * work.tiles() * e.channels, e.channels,
                              {work.x, work.y}, work);
  }
};

}  // namespace pretext::inline v0_1::kernels
