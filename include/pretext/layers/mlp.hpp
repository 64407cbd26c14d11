// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// The two-layer perceptron of a transformer: linear to `Ratio` times the width, exact GELU, linear back; (D)
/// to (D) or (T, D) to (T, D). Parameter paths are timm's: fc1, fc2.
template <std::size_t Ratio = 4, class Init = xavier_uniform>
struct mlp {
  template <Shape In>
  static constexpr std::size_t width = channels_of<In>;
  template <Shape In>
  using fc1 = linear<Ratio * width<In>, bias::yes, Init>;
  template <Shape In>
  using hidden = output_of<fc1<In>, In>;
  template <Shape In>
  using fc2 = linear<width<In>, bias::yes, Init>;

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return concatenate(prefixed("fc1", parameters_of<fc1<In>, In>),
                       prefixed("fc2", parameters_of<fc2<In>, hidden<In>>));
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<fc1<In>, In> + pretext::macs<fc2<In>, hidden<In>>;
  }

  template <Shape In, class Context>
  struct cache {
    reads<Context, In> x;
    reads<Context, hidden<In>> kept, activated;  ///< what GELU's backward pass needs, and its value
  };

  /// `epilogue` adds the result to a residual sum.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const auto kept = context.activations.template allocate<T, hidden<In>>(x.batch);
    const auto activated = context.activations.template allocate<T, hidden<In>>(x.batch);
    run(context, w, x, activated, kept.data, y, epilogue);
    cache.x = x;
    cache.kept = kept;
    cache.activated = activated;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    constexpr std::size_t hidden_width = channels_of<hidden<In>>;
    const arena_scope guard{context.workspace};
    const auto dhidden = context.workspace.template allocate<T, hidden<In>>(dy.batch);
    cache_of<fc2<In>, hidden<In>, Context> fc2_cache{cache.activated};
    fc2<In>::backward(context, w.at(fc2_offset<In>), fc2_cache, dy,
                      writes<Context, hidden<In>>{nullptr, dy.batch});
    const bool has_bias_gradient = kernels::linear<typename Context::device>::backward_gelu(
        context, {dy.batch * position_count<In>, hidden_width, width<In>}, dy.data,
        w.at(fc2_offset<In>).operands(), cache.kept.data, fc1_bias<In>(w), dhidden.data,
        w.at(hidden_width * width<In>).gradient);
    const auto backward_fc1 = [&]<class Layer>(const Layer&) {
      cache_of<Layer, In, Context> fc1_cache{cache.x};
      Layer::backward(context, w, fc1_cache, reads<Context, hidden<In>>{dhidden}, dx);
    };
    if (has_bias_gradient)
      backward_fc1(linear<hidden_width, bias::no>{});
    else
      backward_fc1(fc1<In>{});
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                    const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto activated = context.workspace.template allocate<T, hidden<In>>(x.batch);
    run(context, w, x, activated, static_cast<T*>(nullptr), y, epilogue);
  }

 private:
  template <Shape In>
  static constexpr std::size_t fc2_offset = weight_count<fc1<In>, In>;
  template <Shape In, class Context>
  static const typename Context::weight* fc1_bias(weights<Context> w) {
    return w.at(channels_of<hidden<In>> * width<In>).value;
  }

  template <class Context, Shape In, Shape Hidden, class T>
  static void run(Context& context, weights<Context> w, reads<Context, In> x,
                  writes<Context, Hidden> activated, T* kept, writes<Context, In> y,
                  const linear_epilogue<Context>& epilogue) {
    constexpr std::size_t hidden_width = channels_of<Hidden>;
    kernels::linear<typename Context::device>::forward_gelu(
        context, {y.batch * position_count<In>, width<In>, hidden_width}, x.data, w.operands(),
        fc1_bias<In>(w), activated.data, kept);
    fc2<In>::infer(context, w.at(fc2_offset<In>), reads<Context, Hidden>{activated}, y, epilogue);
  }
};

}  // namespace pretext::inline v0_1
