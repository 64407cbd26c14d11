// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext::inline v0_1 {

/// Multi-head self-attention over tokens, (T, D) to (T, D) (Vaswani et al. 2017, §3.2.2): one linear layer
/// computes queries, keys and values, a second one mixes the heads. D must be a multiple of `Heads`.
/// Parameter paths are timm's: qkv, proj.
template <std::size_t Heads, class Init = xavier_uniform>
struct attention {
  template <Shape In>
    requires(In::rank == 2 && channels_of<In> % Heads == 0)
  using output = In;

  template <Shape In>
  static constexpr kernels::attention_extents extents{In::extents[0], In::extents[1], Heads};
  template <Shape In>
  using qkv_shape = shape<In::extents[0], 3 * channels_of<In>>;
  template <Shape In>
  using qkv_layer = linear<3 * channels_of<In>, bias::yes, Init>;
  template <Shape In>
  using proj_layer = linear<channels_of<In>, bias::yes, Init>;

  template <Shape In>
  static consteval auto parameters() {
    return concatenate(prefixed("qkv", parameters_of<qkv_layer<In>, In>),
                       prefixed("proj", parameters_of<proj_layer<In>, In>));
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<qkv_layer<In>, In> + pretext::macs<proj_layer<In>, In> +
           2 * In::extents[0] * In::size;
  }

  template <Shape In, class Context>
  struct cache {
    cache_of<qkv_layer<In>, In, Context> input;
    reads<Context, qkv_shape<In>> qkv;
    reads<Context, In> heads;                     ///< the output of all heads, before `proj`
    typename Context::weight* log_sum = nullptr;  ///< of each softmax, (n, Heads, T)
  };

  /// `epilogue` adds the result to a residual sum.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const auto qkv = context.activations.template allocate<T, qkv_shape<In>>(x.batch);
    const auto heads = context.activations.template allocate<T, In>(x.batch);
    cache.log_sum =
        context.activations.template allocate<typename Context::weight>(x.batch * Heads * In::extents[0]);
    qkv_layer<In>::forward(context, w, x, qkv, cache.input);
    run(context, w, qkv, heads, cache.log_sum, y, epilogue);
    cache.qkv = qkv;
    cache.heads = heads;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dheads = context.workspace.template allocate<T, In>(dy.batch);
    const auto dqkv = context.workspace.template allocate<T, qkv_shape<In>>(dy.batch);
    cache_of<proj_layer<In>, In, Context> proj{cache.heads};
    proj_layer<In>::backward(context, w.at(proj_offset<In>), proj, dy, dheads);
    kernels::attention<typename Context::device>::backward(
        context, extents<In>, dy.batch, cache.qkv.data, cache.heads.data,
        static_cast<const typename Context::weight*>(cache.log_sum), reads<Context, In>{dheads}.data,
        dqkv.data);
    qkv_layer<In>::backward(context, w, cache.input, reads<Context, qkv_shape<In>>{dqkv}, dx);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                    const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto qkv = context.workspace.template allocate<T, qkv_shape<In>>(x.batch);
    const auto heads = context.workspace.template allocate<T, In>(x.batch);
    qkv_layer<In>::infer(context, w, x, qkv);
    run(context, w, qkv, heads, static_cast<typename Context::weight*>(nullptr), y, epilogue);
  }

 private:
  template <Shape In>
  static constexpr std::size_t proj_offset = weight_count<qkv_layer<In>, In>;

  template <class Context, Shape Qkv, Shape In>
  static void run(Context& context, weights<Context> w, writes<Context, Qkv> qkv, writes<Context, In> heads,
                  typename Context::weight* log_sum, writes<Context, In> y,
                  const linear_epilogue<Context>& epilogue) {
    kernels::attention<typename Context::device>::forward(context, extents<In>, y.batch,
                                                          reads<Context, Qkv>{qkv}.data, heads.data, log_sum);
    proj_layer<In>::infer(context, w.at(proj_offset<In>), reads<Context, In>{heads}, y, epilogue);
  }
};

}  // namespace pretext::inline v0_1
