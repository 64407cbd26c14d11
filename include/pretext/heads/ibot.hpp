// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/macs.hpp>
#include <pretext/heads/dino.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// The bottleneck of a head and one of its last layers, whose weights follow those of `Before`.
template <class Head, class Last, class... Before>
struct ibot_branch {
  using bottleneck = typename Head::bottleneck;
  template <Shape In>
  using embedding = output_of<bottleneck, In>;
  template <Shape In>
  using output = output_of<Last, embedding<In>>;

  template <Shape In>
  static consteval auto parameters() {
    return Head::template parameters<In>();
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<bottleneck, In> + pretext::macs<Last, embedding<In>>;
  }

  template <Shape In, class Context>
  struct cache {
    cache_of<bottleneck, In, Context> embedded;
    cache_of<Last, embedding<In>, Context> scored;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    const auto z =
        context.activations.template allocate<typename Context::activation, embedding<In>>(x.batch);
    bottleneck::forward(context, w, x, z, cache.embedded);
    Last::forward(context, w.at(last_at<In>), reads<Context, embedding<In>>{z}, y, cache.scored);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    const arena_scope guard{context.workspace};
    const auto dz =
        context.workspace.template allocate<typename Context::activation, embedding<In>>(dy.batch);
    Last::backward(context, w.at(last_at<In>), cache.scored, dy, dz);
    bottleneck::backward(context, w, cache.embedded, reads<Context, embedding<In>>{dz}, dx);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    const arena_scope guard{context.workspace};
    const auto z = context.workspace.template allocate<typename Context::activation, embedding<In>>(x.batch);
    bottleneck::infer(context, w, x, z);
    Last::infer(context, w.at(last_at<In>), reads<Context, embedding<In>>{z}, y);
  }

 private:
  template <Shape In>
  static constexpr std::size_t last_at = (weight_count<bottleneck, In> + ... +
                                          weight_count<Before, embedding<In>>);
};

}  // namespace detail

/// iBOT's head (Zhou et al. 2022, official code) where its last layer is not shared: one bottleneck for class
/// and patch tokens, then a last layer for each kind. `class_tokens` and `patch_tokens` are layers over rows
/// of tokens, (D) to (Out) and to (PatchOut), or (T, D) to (T, …); the slice of each is the whole head's.
/// Parameter paths: those of `dino_head`, then last_layer2 for the patches. Both last layers are in group 1,
/// as in `dino_head`, which is a shared head.
template <std::size_t Out = 8192, std::size_t PatchOut = Out, std::size_t Hidden = 2048,
          std::size_t Bottleneck = 256, weight_gain Gain = weight_gain::learned,
          hidden_norm Norm = hidden_norm::none>
struct ibot_head {
  using bottleneck = dino_bottleneck<Hidden, Bottleneck, Norm>;
  using class_layer = in_group<1, weight_norm_linear<Out, Gain>>;
  using patch_layer = in_group<1, weight_norm_linear<PatchOut, Gain>>;
  using class_tokens = detail::ibot_branch<ibot_head, class_layer>;
  using patch_tokens = detail::ibot_branch<ibot_head, patch_layer, class_layer>;

  template <Shape In>
  static consteval auto parameters() {
    using embedding = output_of<bottleneck, In>;
    return concatenate(parameters_of<bottleneck, In>,
                       prefixed("last_layer", parameters_of<class_layer, embedding>),
                       prefixed("last_layer2", parameters_of<patch_layer, embedding>));
  }
};

}  // namespace pretext::inline v0_1
