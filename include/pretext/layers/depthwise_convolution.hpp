// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/depthwise_convolution.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// Cross-correlation of each channel with a square kernel of its own: (H, W, C) to (H', W', C), H' = (H +
/// 2·Padding - Kernel)/Stride + 1. Kernel is 3, 5 or 7. The weights are (C, 1, Kernel, Kernel) in PyTorch;
/// Init draws them for a fan-in of Kernel² and a fan-out of Kernel².
template <std::size_t Kernel, std::size_t Stride = 1, std::size_t Padding = Kernel / 2, bias Bias = bias::yes,
          class Init = torch_init>
struct depthwise_convolution {
  static_assert((Kernel == 3 || Kernel == 5 || Kernel == 7) && Stride > 0 && Padding < Kernel,
                "pretext::depthwise_convolution: the kernel must be 3, 5 or 7, the stride positive, the "
                "padding smaller than the kernel.");

  /// The kernels read the weights as they are, never copies in the type of the activations.
  static constexpr bool reads_exact_weights = true;

  template <ImageShape In>
  static constexpr kernels::depthwise_extents extents{In::extents[0], In::extents[1], In::extents[2],
                                                      Kernel,         Stride,         Padding};

  template <ImageShape In>
    requires(In::extents[0] + 2 * Padding >= Kernel && In::extents[1] + 2 * Padding >= Kernel)
  using output = shape<extents<In>.out_height(), extents<In>.out_width(), In::extents[2]>;

  template <ImageShape In>
  static consteval auto parameters() {
    const parameter weight{"weight",
                           {In::extents[2], 1, Kernel, Kernel},
                           Init::weight(Kernel * Kernel, Kernel * Kernel),
                           parameter_decay::yes,
                           parameter_role::trainable,
                           parameter_layout::convolution};
    if constexpr (Bias == bias::yes)
      return std::array{
          weight, parameter{"bias", {In::extents[2]}, Init::constant(Kernel * Kernel), parameter_decay::no}};
    else
      return std::array{weight};
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return output<In>::size * Kernel * Kernel;
  }

  template <ImageShape In, class Context>
  struct cache {
    reads<Context, In> x;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    infer(context, w, x, y);
    cache.x = x;
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    using device = typename Context::device;
    using kernel = kernels::depthwise_convolution<device>;
    kernel::backward_weights(context, extents<In>, dy.batch, cache.x.data, dy.data, w.gradient);
    if constexpr (Bias == bias::yes)
      kernels::channel_bias<device>::sum(context, dy.batch * position_count<output<In>>, channels_of<In>,
                                         dy.data, w.at(bias_at<In>).gradient);
    if (dx.data)
      kernel::backward_data(context, extents<In>, dy.batch, dy.data,
                            static_cast<const typename Context::weight*>(w.value), dx.data);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using W = typename Context::weight;
    const W* const constant = Bias == bias::yes ? w.at(bias_at<In>).value : nullptr;
    kernels::depthwise_convolution<typename Context::device>::forward(
        context, extents<In>, x.batch, x.data, static_cast<const W*>(w.value), constant, y.data);
  }

 private:
  template <ImageShape In>
  static constexpr std::size_t bias_at = Kernel* Kernel* channels_of<In>;
};

}  // namespace pretext::inline v0_1
