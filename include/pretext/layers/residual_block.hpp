// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/layers/detail/inner_activation.hpp>
#include <pretext/layers/fused_convolution.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

/// y = relu(Last(Before(x)) + shortcut(x)). Last is a fused convolution, which adds the shortcut. The
/// shortcut is the identity if shapes agree and `AlwaysProjects` is false, otherwise a 1×1 convolution with
/// batch norm (He et al. 2016, option B). Parameter paths are torchvision's: those of Before and Last, then
/// downsample.0 and downsample.1.
template <class Before, class Last, std::size_t Stride, bool AlwaysProjects = false>
struct residual_block {
  template <ImageShape In>
  using middle = output_of<Before, In>;
  template <ImageShape In>
  using output = output_of<Last, middle<In>>;

  template <ImageShape In>
  static constexpr bool projects = AlwaysProjects || !std::same_as<In, output<In>>;
  template <ImageShape In>
  using projection = fused_convolution<"downsample.0", "downsample.1",
                                       convolution<channels_of<output<In>>, 1, Stride, 0>, activation::none>;

  /// With an identity shortcut, backward may write dx to the memory of dy.
  template <ImageShape In>
  static constexpr bool dx_may_alias_dy = !projects<In>;

  template <ImageShape In>
  static consteval auto parameters() {
    if constexpr (projects<In>)
      return concatenate(parameters_of<Before, In>, parameters_of<Last, middle<In>>,
                         parameters_of<projection<In>, In>);
    else
      return concatenate(parameters_of<Before, In>, parameters_of<Last, middle<In>>);
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    const std::size_t branch = pretext::macs<Before, In> + pretext::macs<Last, middle<In>>;
    if constexpr (projects<In>) return branch + pretext::macs<projection<In>, In>;
    return branch;
  }

  struct no_cache {};
  template <ImageShape In, class Context, bool Projects = projects<In>>
  struct projection_cache {
    using type = no_cache;
  };
  template <ImageShape In, class Context>
  struct projection_cache<In, Context, true> {
    using type = cache_of<projection<In>, In, Context>;
  };

  template <ImageShape In, class Context>
  struct cache {
    detail::inner_activation<middle<In>, Context> between;
    cache_of<Before, In, Context> before;
    cache_of<Last, middle<In>, Context> last;
    typename projection_cache<In, Context>::type shortcut;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto middle_y = cache.between.allocate(context, x.batch);
    Before::forward(context, w, x, middle_y, cache.before);
    if constexpr (projects<In>) {
      const auto shortcut = context.workspace.template allocate<T, output<In>>(x.batch);
      projection<In>::forward(context, w.at(projection_offset<In>), x, shortcut, cache.shortcut);
      Last::forward(context, w.at(last_offset<In>), reads<Context, middle<In>>{middle_y},
                    reads<Context, output<In>>{shortcut}, y, cache.last);
    } else {
      Last::forward(context, w.at(last_offset<In>), reads<Context, middle<In>>{middle_y}, x, y, cache.last);
    }
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    if constexpr (projects<In>) {
      const arena_scope guard{context.workspace};
      backward(context, w, cache, dy, dx,
               context.workspace.template allocate<typename Context::activation, output<In>>(dy.batch));
    } else {
      backward(context, w, cache, dy, dx, dx);
    }
  }

  /// The same, using the memory of dy as workspace.
  template <class Context, ImageShape In>
  static void backward_inplace(Context& context, weights<Context> w, cache<In, Context>& cache,
                               writes<Context, output<In>> dy, writes<Context, In> dx) {
    const reads<Context, output<In>> gradient{dy};
    if constexpr (projects<In>)
      backward(context, w, cache, gradient, dx, dy);
    else
      backward(context, w, cache, gradient, dx, dx);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto middle_y = context.workspace.template allocate<T, middle<In>>(x.batch);
    Before::infer(context, w, x, middle_y);
    if constexpr (projects<In>) {
      const auto shortcut = context.workspace.template allocate<T, output<In>>(x.batch);
      projection<In>::infer(context, w.at(projection_offset<In>), x, shortcut);
      Last::infer(context, w.at(last_offset<In>), reads<Context, middle<In>>{middle_y},
                  reads<Context, output<In>>{shortcut}, y);
    } else {
      Last::infer(context, w.at(last_offset<In>), reads<Context, middle<In>>{middle_y}, x, y);
    }
  }

 private:
  /// dshortcut may be the memory of dy; with an identity shortcut it is dx.
  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx,
                       writes<Context, output<In>> dshortcut) {
    constexpr auto overwrite = kernels::write_mode::overwrite, accumulate = kernels::write_mode::accumulate;
    const arena_scope guard{context.workspace};
    const auto dmiddle = cache.between.get(context, dy.batch, [&](const writes<Context, middle<In>>& y) {
      Before::recompute(context, cache.before, y);
      Last::set_input(cache.last, reads<Context, middle<In>>{y});
    });
    Last::backward(context, w.at(last_offset<In>), cache.last, dy, dmiddle, overwrite, dshortcut);
    if constexpr (projects<In>)
      projection<In>::backward(context, w.at(projection_offset<In>), cache.shortcut,
                               reads<Context, output<In>>{dshortcut}, dx);
    Before::backward(context, w, cache.before, reads<Context, middle<In>>{dmiddle}, dx, accumulate);
  }

  template <ImageShape In>
  static constexpr std::size_t last_offset = weight_count<Before, In>;
  template <ImageShape In>
  static constexpr std::size_t projection_offset = last_offset<In> + weight_count<Last, middle<In>>;
};

}  // namespace pretext::inline v0_1
