// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <span>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/distributed/communicator.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/convolution.hpp>

namespace pretext::inline v0_1 {

/// What follows the batch norm of a `fused_convolution`.
enum class activation { none, relu };

/// convolution -> batch norm -> (+ shortcut) -> ReLU as one layer, which saves passes over memory: a device
/// that can computes the statistics while the convolution writes its output; that output is the only
/// activation that it stores, and backward overwrites it with its gradient. In inference the normalisation is
/// folded into the weights.
template <fixed_string ConvolutionName, fixed_string NormName, class Convolution,
          activation Activation = activation::relu, initial_scale Start = initial_scale::one,
          class Constants = torch_batch_norm>
struct fused_convolution {
  using norm = detail::normalisation<affine::both, Start, Constants>;
  static constexpr bool has_relu = Activation == activation::relu;

  template <ImageShape In>
  using output = output_of<Convolution, In>;

  template <ImageShape In>
  static constexpr std::size_t channels = channels_of<output<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    auto normed = with_offsets(norm::template parameters<channels<In>>());
    normed[0].folds = weight_count<Convolution, In>;
    normed[0].folds_epsilon = norm::epsilon;
    return concatenate(prefixed(ConvolutionName, parameters_of<Convolution, In>), prefixed(NormName, normed));
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<Convolution, In>;
  }

  template <ImageShape In, class Context>
  struct cache {
    cache_of<Convolution, In, Context> convolution;
    writes<Context, output<In>> convolved;
    typename norm::template cache<Context> norm_cache;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    forward(context, w, x, reads<Context, output<In>>{}, y, cache);
  }

  /// With a shortcut that is added before the ReLU; null means none.
  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      reads<Context, output<In>> shortcut, writes<Context, output<In>> y,
                      cache<In, Context>& cache) {
    const auto convolved =
        context.activations.template allocate<typename Context::activation, output<In>>(x.batch);
    norm::template prepare<channels<In>>(context, rows<In>(x.batch), cache.norm_cache);
    convolve(context, w, x, convolved, cache);
    norm::template finish<channels<In>>(context, rows<In>(x.batch),
                                        reads<Context, output<In>>{convolved}.data, shortcut.data, has_relu,
                                        y.data, cache.norm_cache);
    cache.convolved = convolved;
  }

  /// Computes the y of a `forward` without shortcut a second time, bit for bit.
  template <class Context, ImageShape In>
  static void recompute(Context& context, const cache<In, Context>& cache, writes<Context, output<In>> y) {
    using T = typename Context::activation;
    norm::template apply<channels<In>>(context, rows<In>(y.batch),
                                       reads<Context, output<In>>{cache.convolved}.data,
                                       static_cast<const T*>(nullptr), has_relu, y.data, cache.norm_cache);
  }

  /// Tells the cache where the recomputed input of `forward` is.
  template <class Context, ImageShape In>
  static void set_input(cache<In, Context>& cache, reads<Context, In> x) {
    cache.convolution.x = x;
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    backward(context, w, cache, dy, dx, kernels::write_mode::overwrite);
  }

  /// `mode` says whether dx is overwritten or accumulated; dx may be the memory of x. The shortcut's gradient
  /// is written unless `dshortcut` is null; it may be the memory of dy.
  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx, kernels::write_mode mode,
                       writes<Context, output<In>> dshortcut = {}) {
    const reads<Context, output<In>> convolved{cache.convolved};
    norm::template backward<channels<In>>(context, w.at(weight_count<Convolution, In>), cache.norm_cache,
                                          rows<In>(dy.batch), dy.data, has_relu, convolved.data,
                                          cache.convolved.data, dshortcut.data);
    if constexpr (requires { Convolution::backward(context, w, cache.convolution, convolved, dx, mode); }) {
      Convolution::backward(context, w, cache.convolution, convolved, dx, mode);
    } else {
      expects(mode == kernels::write_mode::overwrite,
              "fused_convolution: this convolution overwrites the gradient of its input");
      Convolution::backward(context, w, cache.convolution, convolved, dx);
    }
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    infer(context, w, x, reads<Context, output<In>>{}, y);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    reads<Context, output<In>> shortcut, writes<Context, output<In>> y) {
    using T = typename Context::activation;
    using W = typename Context::weight;
    constexpr std::size_t C = channels<In>, kernel = weight_count<Convolution, In>;
    const auto apply = [&](const W* scale, const W* shift) {
      kernels::batch_norm<typename Context::device>::apply(context, rows<In>(x.batch), C, 1,
                                                           reads<Context, output<In>>{y}.data, scale, shift,
                                                           shortcut.data, has_relu, y.data);
    };
    const auto convolve_and_shift = [&](const weights<Context>& scaled, const W* shift) {
      if constexpr (std::same_as<T, W> && requires(const kernels::convolution_epilogue<T>& epilogue) {
                      Convolution::infer(context, scaled, x, y, epilogue);
                    }) {
        Convolution::infer(context, scaled, x, y,
                           kernels::convolution_epilogue<T>{shift, shortcut.data, has_relu});
      } else {
        Convolution::infer(context, scaled, x, y);
        apply(nullptr, shift);
      }
    };
    if (w.folded) return convolve_and_shift(w, w.at(kernel + C).value);  // β
    const arena_scope guard{context.workspace};
    W* const scale = context.workspace.template allocate<W>(C);
    W* const shift = context.workspace.template allocate<W>(C);
    norm::template running<C>(context, w.at(kernel).value, scale, shift);
    if constexpr (!std::same_as<T, W> && requires { Convolution::reads_exact_weights; }) {
      Convolution::infer(context, w, x, y);
      return apply(scale, shift);
    }
    T* const folded = context.workspace.template allocate<T>(kernel);
    kernels::batch_norm<typename Context::device>::scale_columns(context, kernel / C, C, w.value, scale,
                                                                 folded);
    convolve_and_shift(weights<Context>::of_operands(folded), shift);
  }

 private:
  /// The convolution and the statistics of its output.
  template <class Context, ImageShape In>
  static void convolve(Context& context, weights<Context> w, reads<Context, In> x,
                       writes<Context, output<In>> convolved, cache<In, Context>& cache) {
    constexpr std::size_t C = channels<In>;
    using W = typename Context::weight;
    W* const slice = w.at(weight_count<Convolution, In>).value;
    if constexpr (requires(const kernels::channel_moments& moments) {
                    Convolution::forward(context, w, x, convolved, cache.convolution, moments);
                  }) {
      const arena_scope guard{context.workspace};
      const auto moments = kernels::batch_norm<typename Context::device>::allocate_moments(
          context, cache.norm_cache.groups, C);
      Convolution::forward(context, w, x, convolved, cache.convolution, moments);
      norm::template statistics_of_moments<C>(context, slice, rows<In>(x.batch), moments, cache.norm_cache);
    } else {
      const auto separately = [&] {
        Convolution::forward(context, w, x, convolved, cache.convolution);
        norm::template statistics<C>(context, slice, rows<In>(x.batch),
                                     reads<Context, output<In>>{convolved}.data, cache.norm_cache);
      };
      if constexpr (requires(W * sums, std::span<W> changed) {
                      Convolution::forward_with_sums(context, w, x, convolved, cache.convolution, sums,
                                                     changed, separately);
                    }) {
        const arena_scope guard{context.workspace};
        W* const sums = context.workspace.template allocate<W>(2 * C);
        if (cache.norm_cache.groups == 1 && distributed::shards_of(context) == 1 &&
            Convolution::forward_with_sums(context, w, x, convolved, cache.convolution, sums,
                                           norm::template running_statistics<C>(slice), separately))
          return norm::template statistics_of_sums<C>(context, slice, rows<In>(x.batch), sums,
                                                      cache.norm_cache);
      }
      separately();
    }
  }

  template <ImageShape In>
  static constexpr std::size_t rows(std::size_t batch) {
    return batch * position_count<output<In>>;
  }
};

}  // namespace pretext::inline v0_1
