// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/host_device.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/pooling.hpp>
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/detail/arithmetic_type.hpp>
#include <pretext/layers/hard_swish.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// Work of `for_each_row`: y = x·scale of a position, where each image has one scale per channel.
template <class T>
struct scale_channels {
  std::size_t positions, channels;
  const T *x, *scale;
  T* y;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    using R = arithmetic_type<T>;
    const T* const its_scale = scale + row / positions * channels;
    team.each(channels, [&](std::size_t c) {
      const std::size_t i = row * channels + c;
      y[i] = static_cast<T>(static_cast<R>(x[i]) * static_cast<R>(its_scale[c]));
    });
  }
};

/// The gradient of the scales of an image: the sum of x·dy over its positions.
template <class T>
struct channel_scale_gradient {
  std::size_t positions, channels;
  const T *x, *dy;
  T* dscale;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t image, const Team& team) const {
    const std::size_t first = image * positions * channels;
    team.each(channels, [&](std::size_t c) {
      double sum = 0;
      for (std::size_t i = first + c; i < first + positions * channels; i += channels)
        sum += static_cast<double>(x[i]) * static_cast<double>(dy[i]);
      dscale[image * channels + c] = static_cast<T>(sum);
    });
  }
};

/// The gradient of a position of x, which contributes to y and to the mean over all positions.
template <class T>
struct scale_channels_gradient {
  std::size_t positions, channels;
  const T *dy, *scale, *dmean;
  T* dx;

  template <class Team>
  PRETEXT_HOST_DEVICE void operator()(std::size_t row, const Team& team) const {
    using R = arithmetic_type<T>;
    const std::size_t image = row / positions * channels;
    team.each(channels, [&](std::size_t c) {
      const std::size_t i = row * channels + c;
      dx[i] = static_cast<T>(static_cast<R>(dy[i]) * static_cast<R>(scale[image + c]) +
                             static_cast<R>(dmean[image + c]) / static_cast<R>(positions));
    });
  }
};

}  // namespace detail

/// y = x·s, where s = hard_sigmoid(fc2(relu(fc1(m)))) has one value per channel and m is the mean of x over
/// all positions; (H, W, C) to (H, W, C) with Squeezed values between fc1 and fc2 (Hu et al. 2018, with the
/// gate of Howard et al. 2019, §5.3). Parameter paths are torchvision's: fc1 and fc2, 1×1 convolutions with
/// biases.
template <std::size_t Squeezed>
struct squeeze_excitation {
  /// The mean over all positions, as an image of one pixel.
  template <ImageShape In>
  using squeezed = shape<1, 1, channels_of<In>>;
  /// From the mean to the scales.
  template <ImageShape In>
  using excitation = sequential<named<"fc1", convolution<Squeezed, 1, 1, 0, bias::yes>>, relu,
                                named<"fc2", convolution<channels_of<In>, 1, 1, 0, bias::yes>>, hard_sigmoid>;

  template <ImageShape In>
  using output = In;

  template <ImageShape In>
  static consteval auto parameters() {
    return parameters_of<excitation<In>, squeezed<In>>;
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<excitation<In>, squeezed<In>>;
  }

  template <ImageShape In, class Context>
  struct cache {
    reads<Context, In> x;
    reads<Context, squeezed<In>> scale;
    cache_of<excitation<In>, squeezed<In>, Context> excited;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    using T = typename Context::activation;
    const auto mean = context.activations.template allocate<T, squeezed<In>>(x.batch);
    const auto scale = context.activations.template allocate<T, squeezed<In>>(x.batch);
    pool(context, x, mean);
    excitation<In>::forward(context, w, reads<Context, squeezed<In>>{mean}, scale, cache.excited);
    cache.x = x;
    cache.scale = scale;
    apply(context, x, cache.scale, y);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    using rows = kernels::for_each_row<typename Context::device>;
    constexpr std::size_t positions = position_count<In>, channels = channels_of<In>;
    const arena_scope guard{context.workspace};
    const auto dscale = context.workspace.template allocate<T, squeezed<In>>(dy.batch);
    const auto dmean = context.workspace.template allocate<T, squeezed<In>>(dx.data ? dy.batch : 0);
    rows::run(context, dy.batch,
              detail::channel_scale_gradient<T>{positions, channels, cache.x.data, dy.data, dscale.data});
    excitation<In>::backward(context, w, cache.excited, reads<Context, squeezed<In>>{dscale},
                             writes<Context, squeezed<In>>{dx.data ? dmean.data : nullptr, dy.batch});
    if (dx.data)
      rows::run(context, dy.batch * positions,
                detail::scale_channels_gradient<T>{positions, channels, dy.data, cache.scale.data, dmean.data,
                                                   dx.data});
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto mean = context.workspace.template allocate<T, squeezed<In>>(x.batch);
    const auto scale = context.workspace.template allocate<T, squeezed<In>>(x.batch);
    pool(context, x, mean);
    excitation<In>::infer(context, w, reads<Context, squeezed<In>>{mean}, scale);
    apply(context, x, reads<Context, squeezed<In>>{scale}, y);
  }

 private:
  template <class Context, ImageShape In>
  static void pool(Context& context, reads<Context, In> x, writes<Context, squeezed<In>> mean) {
    kernels::average_pool<typename Context::device>::forward(context, x.batch, position_count<In>,
                                                             channels_of<In>, x.data, mean.data);
  }

  template <class Context, ImageShape In>
  static void apply(Context& context, reads<Context, In> x, reads<Context, squeezed<In>> scale,
                    writes<Context, In> y) {
    kernels::for_each_row<typename Context::device>::run(
        context, x.batch * position_count<In>,
        detail::scale_channels<typename Context::activation>{position_count<In>, channels_of<In>, x.data,
                                                             scale.data, y.data});
  }
};

}  // namespace pretext::inline v0_1
