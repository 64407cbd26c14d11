// SPDX-License-Identifier: MIT
#pragma once
#include <span>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/channel_moments.hpp>
#include <pretext/kernels/convolution.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// Cross-correlation with a square kernel: (H, W, C) to (H', W', Out), H' = (H + 2·Padding - Kernel)/Stride
/// + 1. Kernel is at most 8. The weights are drawn from He's normal distribution for ReLU by fan-out, with
/// deviation √(2/(Kernel²·Out)), as in torchvision's ResNets; a bias starts at zero.
template <std::size_t Out, std::size_t Kernel, std::size_t Stride = 1, std::size_t Padding = Kernel / 2,
          bias Bias = bias::no>
struct convolution {
  static_assert(Out > 0 && Kernel > 0 && Stride > 0 && Kernel <= 8,
                "pretext::convolution: channels, kernel and stride must be positive, the kernel at most 8.");

  template <ImageShape In>
  static constexpr kernels::convolution_extents extents{
      In::extents[0], In::extents[1], In::extents[2], Out, Kernel, Kernel, Stride, Padding};

  template <ImageShape In>
    requires(In::extents[0] + 2 * Padding >= Kernel && In::extents[1] + 2 * Padding >= Kernel)
  using output = shape<extents<In>.out_height(), extents<In>.out_width(), Out>;

  template <ImageShape In>
  static consteval auto parameters() {
    const parameter weight{"weight",
                           {Out, In::extents[2], Kernel, Kernel},
                           initialiser::normal(detail::square_root(2.0 / double(Kernel * Kernel * Out))),
                           parameter_decay::yes,
                           parameter_role::trainable,
                           parameter_layout::convolution};
    if constexpr (Bias == bias::yes)
      return std::array{weight, parameter{"bias", {Out}, initialiser::constant(0), parameter_decay::no}};
    else
      return std::array{weight};
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return position_count<output<In>> * extents<In>.weights();
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

  /// The same, and also computes the moments of y's channels, on a device that does both in one pass.
  template <class Context, ImageShape In>
    requires(Bias == bias::no && kernels::computes_moments<typename Context::device>)
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache,
                      const kernels::channel_moments& moments) {
    kernels::convolution<typename Context::device>::forward(context, extents<In>, x.batch, x.data,
                                                            w.operands(), y.data, &moments);
    cache.x = x;
  }

  /// The same, and also sums y and y² over all rows, (2, Out), on a device that may do both in one pass;
  /// returns whether it has (kernels::ConvolutionSumsKernel).
  template <class Context, ImageShape In, class Separately>
    requires(Bias == bias::no && kernels::sums_results<typename Context::device>)
  static bool forward_with_sums(Context& context, weights<Context> w, reads<Context, In> x,
                                writes<Context, output<In>> y, cache<In, Context>& cache,
                                typename Context::weight* sums, std::span<typename Context::weight> changed,
                                const Separately& separately) {
    cache.x = x;
    return kernels::convolution<typename Context::device>::forward_with_sums(
        context, extents<In>, x.batch, x.data, w.operands(), y.data, sums, changed, separately);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx,
                       kernels::write_mode mode = kernels::write_mode::overwrite) {
    using device = typename Context::device;
    constexpr auto e = extents<In>;
    kernels::convolution<device>::backward_weights(context, e, dy.batch, cache.x.data, dy.data, w.gradient);
    if constexpr (Bias == bias::yes)
      kernels::channel_bias<device>::sum(context, dy.size() / Out, Out, dy.data, w.at(e.weights()).gradient);
    if (dx.data)
      kernels::convolution<device>::backward_data(context, e, dy.batch, dy.data, w.operands(), dx.data, mode);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using device = typename Context::device;
    constexpr auto e = extents<In>;
    kernels::convolution<device>::forward(context, e, x.batch, x.data, w.operands(), y.data);
    if constexpr (Bias == bias::yes)
      kernels::channel_bias<device>::add(
          context, y.size() / Out, Out, static_cast<const typename Context::weight*>(w.at(e.weights()).value),
          y.data);
  }

  /// The same, and then the epilogue, on a device that does both in one pass.
  template <class Context, ImageShape In>
    requires(Bias == bias::no && kernels::applies_epilogue<typename Context::device>)
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, output<In>> y,
                    const kernels::convolution_epilogue<typename Context::activation>& epilogue) {
    kernels::convolution<typename Context::device>::forward(context, extents<In>, x.batch, x.data,
                                                            w.operands(), y.data, nullptr, &epilogue);
  }
};

}  // namespace pretext::inline v0_1
