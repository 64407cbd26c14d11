#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/convolution.hpp>

namespace pretext {

/// What follows a normalisation.
enum class activation { none, relu };

/// convolution -> batch norm -> (+ shortcut) -> ReLU as one layer: statistics are taken while the convolution
/// writes where a device can; what it gave is kept, and backward writes its gradient in the same place. In
/// inference the normalisation is folded into the weights.
template <name ConvolutionName, name NormName, class Convolution, activation Activation = activation::relu,
          initial_scale Start = initial_scale::one>
struct fused_convolution {
  using norm = detail::normalisation<affine::both, Start>;
  static constexpr bool rectified = Activation == activation::relu;

  template <ImageShape In>
  using output = output_of<Convolution, In>;

  template <ImageShape In>
  static constexpr std::size_t channels = channels_of<output<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    auto first = parameters_of<Convolution, In>;
    auto second = with_offsets(norm::template parameters<channels<In>>());
    for (auto& p : first) p = p.under(ConvolutionName, 0);
    for (auto& p : second) p = p.under(NormName, 0);
    return concatenate(first, second);
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<Convolution, In>;
  }

  template <ImageShape In, class Context>
  struct cache {
    cache_of<Convolution, In, Context> convolution;
    writes<Context, output<In>> convolved;
    reads<Context, output<In>> added;  ///< the output, where a shortcut was added before the ReLU
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
    const auto normalise = [&](const auto&... moments) {
      Convolution::forward(context, w, x, convolved, cache.convolution, moments...);
      norm::template forward<channels<In>>(
          context, w.at(weight_count<Convolution, In>).value, rows<In>(x.batch), moments...,
          reads<Context, output<In>>{convolved}.data, shortcut.data, rectified, y.data, cache.norm_cache);
    };
    if constexpr (requires(const kernels::channel_moments& moments) {
                    Convolution::forward(context, w, x, convolved, cache.convolution, moments);
                  }) {
      const arena_scope guard{context.workspace};
      normalise(kernels::batch_norm<typename Context::device>::allocate_moments(context, context.groups,
                                                                                channels<In>));
    } else {
      normalise();
    }
    cache.convolved = convolved;
    cache.added = shortcut.data ? y : writes<Context, output<In>>{};
  }

  /// The output of `forward` without a shortcut once more, bit for bit.
  template <class Context, ImageShape In>
  static void again(Context& context, weights<Context> w, const cache<In, Context>& cache,
                    writes<Context, output<In>> y) {
    using T = typename Context::activation;
    norm::template again<channels<In>>(context, w.at(weight_count<Convolution, In>).value, rows<In>(y.batch),
                                       reads<Context, output<In>>{cache.convolved}.data,
                                       static_cast<const T*>(nullptr), rectified, y.data, cache.norm_cache);
  }

  /// Where the input of `forward` is by now.
  template <class Context, ImageShape In>
  static void input_is(cache<In, Context>& cache, reads<Context, In> x) {
    cache.convolution.x = x;
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    backward(context, w, cache, dy, dx, kernels::write_mode::overwrite);
  }

  /// dx may be added to what is there, or written where x is; the shortcut's gradient is written if asked
  /// for, where dy is if need be.
  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx, kernels::write_mode mode,
                       writes<Context, output<In>> dshortcut = {}) {
    const reads<Context, output<In>> convolved{cache.convolved};
    norm::template backward<channels<In>>(context, w.at(weight_count<Convolution, In>), cache.norm_cache,
                                          rows<In>(dy.batch), dy.data, rectified, cache.added.data,
                                          convolved.data, cache.convolved.data, dshortcut.data);
    Convolution::backward(context, w, cache.convolution, convolved, dx, mode);
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
    constexpr std::size_t C = channels<In>, kernel = weight_count<Convolution, In>;
    const arena_scope guard{context.workspace};
    T* folded = context.workspace.template allocate<T>(kernel);
    using W = typename Context::weight;
    W *const scale = context.workspace.template allocate<W>(C), *const shift =
                                                                    context.workspace.template allocate<W>(C);
    norm::template running<C>(context, w.at(kernel).value, scale, shift);
    kernels::batch_norm<typename Context::device>::scale_columns(context, kernel / C, C, w.value, scale,
                                                                 folded);
    Convolution::infer(context, weights<Context>::of_operands(folded), x, y);
    kernels::batch_norm<typename Context::device>::apply(
        context, rows<In>(x.batch), C, 1, reads<Context, output<In>>{y}.data, static_cast<const W*>(nullptr),
        shift, shortcut.data, rectified, y.data);
  }

 private:
  template <ImageShape In>
  static constexpr std::size_t rows(std::size_t batch) {
    return batch * position_count<output<In>>;
  }
};

}  // namespace pretext
