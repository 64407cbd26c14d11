// SPDX-License-Identifier: MIT
#pragma once
#include <cstdint>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/pooling.hpp>

namespace pretext::inline v0_1 {

/// The mean of each channel over all positions: (H, W, C) to (C).
struct global_average_pool {
  template <Shape In>
  using output = shape<channels_of<In>>;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Context>
  struct cache {};

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>&) {
    infer(context, w, x, y);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>&, reads<Context, output<In>> dy,
                       writes<Context, In> dx) {
    if (!dx.data) return;
    kernels::average_pool<typename Context::device>::backward(context, dy.batch, position_count<In>,
                                                              channels_of<In>, dy.data, dx.data);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, output<In>> y) {
    kernels::average_pool<typename Context::device>::forward(context, x.batch, position_count<In>,
                                                             channels_of<In>, x.data, y.data);
  }
};

/// The maximum of each channel in a window of Size × Size that moves by Stride. Padding counts as -infinity.
template <std::size_t Size, std::size_t Stride = Size, std::size_t Padding = 0>
struct max_pool {
  static_assert(2 * Padding <= Size, "pretext::max_pool: padding may be at most half of the window.");

  template <ImageShape In>
  static constexpr kernels::window window{In::extents[0], In::extents[1], In::extents[2],
                                          Size,           Stride,         Padding};

  template <ImageShape In>
    requires(In::extents[0] + 2 * Padding >= Size && In::extents[1] + 2 * Padding >= Size)
  using output = shape<window<In>.out_height(), window<In>.out_width(), In::extents[2]>;

  template <ImageShape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <ImageShape In, class Context>
  struct cache {
    std::uint32_t* argmax = nullptr;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context>, reads<Context, In> x, writes<Context, output<In>> y,
                      cache<In, Context>& cache) {
    cache.argmax = context.activations.template allocate<std::uint32_t>(y.size());
    kernels::max_pool<typename Context::device>::forward(context, window<In>, x.batch, x.data, y.data,
                                                         cache.argmax);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context>, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    if (!dx.data) return;
    kernels::max_pool<typename Context::device>::backward(context, window<In>, dy.batch, cache.argmax,
                                                          dy.data, dx.data);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context>, reads<Context, In> x, writes<Context, output<In>> y) {
    kernels::max_pool<typename Context::device>::forward(context, window<In>, x.batch, x.data, y.data,
                                                         nullptr);
  }
};

}  // namespace pretext::inline v0_1
