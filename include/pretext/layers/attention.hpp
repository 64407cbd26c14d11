#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext {

/// Multi-head self-attention over tokens, (T, D) to (T, D) (Vaswani et al. 2017, §3.2.2): one linear layer
/// makes queries, keys and values, one more mixes the heads. Paths are timm's: qkv, proj.
template <std::size_t Heads, class Init = xavier_uniform>
struct attention {
  template <Shape In>
    requires(In::rank == 2 && channels_of<In> % Heads == 0)
  using output = In;

  template <Shape In>
  static constexpr kernels::attention_extents extents{In::extents[0], In::extents[1], Heads};
  template <Shape In>
  using joined = shape<In::extents[0], 3 * channels_of<In>>;
  template <Shape In>
  using entrance = linear<3 * channels_of<In>, bias::yes, Init>;
  template <Shape In>
  using exit = linear<channels_of<In>, bias::yes, Init>;

  template <Shape In>
  static consteval auto parameters() {
    auto qkv = parameters_of<entrance<In>, In>;
    auto proj = parameters_of<exit<In>, In>;
    for (auto& p : qkv) p = p.under("qkv", 0);
    for (auto& p : proj) p = p.under("proj", 0);
    return concatenate(qkv, proj);
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<entrance<In>, In> + pretext::macs<exit<In>, In> + 2 * In::extents[0] * In::size;
  }

  template <Shape In, class Context>
  struct cache {
    cache_of<entrance<In>, In, Context> entered;
    reads<Context, joined<In>> qkv;
    reads<Context, In> mixed;
    typename Context::weight* log_sum = nullptr;
  };

  /// `epilogue` is a residual sum that the result enters.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const auto qkv = context.activations.template allocate<T, joined<In>>(x.batch);
    const auto mixed = context.activations.template allocate<T, In>(x.batch);
    cache.log_sum =
        context.activations.template allocate<typename Context::weight>(x.batch * Heads * In::extents[0]);
    entrance<In>::forward(context, w, x, qkv, cache.entered);
    run(context, w, qkv, mixed, cache.log_sum, y, epilogue);
    cache.qkv = qkv;
    cache.mixed = mixed;
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dmixed = context.workspace.template allocate<T, In>(dy.batch);
    const auto dqkv = context.workspace.template allocate<T, joined<In>>(dy.batch);
    cache_of<exit<In>, In, Context> left{cache.mixed};
    exit<In>::backward(context, w.at(exit_at<In>), left, dy, dmixed);
    kernels::attention<typename Context::device>::backward(
        context, extents<In>, dy.batch, cache.qkv.data, cache.mixed.data,
        static_cast<const typename Context::weight*>(cache.log_sum), reads<Context, In>{dmixed}.data,
        dqkv.data);
    entrance<In>::backward(context, w, cache.entered, reads<Context, joined<In>>{dqkv}, dx);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                    const linear_epilogue<Context>& epilogue = {}) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto qkv = context.workspace.template allocate<T, joined<In>>(x.batch);
    const auto mixed = context.workspace.template allocate<T, In>(x.batch);
    entrance<In>::infer(context, w, x, qkv);
    run(context, w, qkv, mixed, static_cast<typename Context::weight*>(nullptr), y, epilogue);
  }

 private:
  template <Shape In>
  static constexpr std::size_t exit_at = weight_count<entrance<In>, In>;

  template <class Context, Shape Joined, Shape In>
  static void run(Context& context, weights<Context> w, writes<Context, Joined> qkv,
                  writes<Context, In> mixed, typename Context::weight* log_sum, writes<Context, In> y,
                  const linear_epilogue<Context>& epilogue) {
    kernels::attention<typename Context::device>::forward(
        context, extents<In>, y.batch, reads<Context, Joined>{qkv}.data, mixed.data, log_sum);
    exit<In>::infer(context, w.at(exit_at<In>), reads<Context, In>{mixed}, y, epilogue);
  }
};

}  // namespace pretext
