#pragma once
#include <pretext/encoders/masked/visible_patches.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext {

/// A learned token stands in the place of every hidden patch, before positions are added, and the encoder
/// computes on all of them (Xie et al. 2022, §3.2). Its path is the official one, mask_token, after the
/// encoder's own.
struct mask_tokens {
  template <class Encoder, class Masks>
  struct network {
    using images = typename Masks::grid::images;
    using patches = visible_patches<Encoder, Masks>;
    using entrance = typename Encoder::template entrance<images>;
    using trunk = typename Encoder::trunk;
    using embedded = typename patches::output;
    using completed = shape<Masks::grid::patches, channels_of<embedded>>;
    using output = output_of<entrance, completed>;
    static constexpr std::size_t macs = patches::macs + pretext::macs<trunk, output>;

    static consteval auto parameters() {
      const parameter token{"mask_token", {1, 1, channels_of<embedded>}, initialiser::truncated_normal(0.02)};
      return concatenate(parameters_of<Encoder, images>, std::array{token});
    }

    template <class Context>
    struct cache {
      typename patches::template cache<Context> projected;
      cache_of<entrance, completed, Context> entered;
      cache_of<trunk, output, Context> body;
    };

    template <class Context>
    static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                        writes<Context, output> y, cache<Context>& cache) {
      using T = typename Context::activation;
      const auto sequence = context.activations.template allocate<T, output>(x.batch);
      const arena_scope guard{context.workspace};
      const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
      const auto all = context.workspace.template allocate<T, completed>(x.batch);
      patches::forward(context, w, masks, x, tokens, cache.projected);
      complete(context, w, masks, tokens, all);
      entrance::forward(context, w, reads<Context, completed>{all}, sequence, cache.entered);
      trunk::forward(context, w.at(trunk_at), reads<Context, output>{sequence}, y, cache.body);
    }

    template <class Context>
    static void backward(Context& context, weights<Context> w, const Masks& masks, cache<Context>& cache,
                         reads<Context, output> dy) {
      using T = typename Context::activation;
      const arena_scope guard{context.workspace};
      const auto dsequence = context.workspace.template allocate<T, output>(dy.batch);
      const auto dall = context.workspace.template allocate<T, completed>(dy.batch);
      const auto dtokens = context.workspace.template allocate<T, embedded>(dy.batch);
      trunk::backward(context, w.at(trunk_at), cache.body, dy, dsequence);
      entrance::backward(context, w, cache.entered, reads<Context, output>{dsequence}, dall);
      kernels::scatter_tokens<typename Context::device>::backward(
          context, extents, dy.batch, Masks::visible, masks.all_patches(), static_cast<const T*>(dall.data),
          dtokens.data, w.at(mask_token_at).gradient);
      patches::backward(context, w, cache.projected, reads<Context, embedded>{dtokens});
    }

    template <class Context>
    static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, output> y) {
      using T = typename Context::activation;
      const arena_scope guard{context.workspace};
      const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
      const auto all = context.workspace.template allocate<T, completed>(x.batch);
      const auto sequence = context.workspace.template allocate<T, output>(x.batch);
      patches::infer(context, w, masks, x, tokens);
      complete(context, w, masks, tokens, all);
      entrance::infer(context, w, reads<Context, completed>{all}, sequence);
      trunk::infer(context, w.at(trunk_at), reads<Context, output>{sequence}, y);
    }

   private:
    static constexpr std::size_t trunk_at = Encoder::template trunk_at<images>,
                                 mask_token_at = weight_count<Encoder, images>;
    static constexpr kernels::token_extents extents{0, Masks::grid::patches, channels_of<embedded>};

    template <class Context>
    static void complete(Context& context, weights<Context> w, const Masks& masks,
                         writes<Context, embedded> tokens, writes<Context, completed> all) {
      using T = typename Context::activation;
      using W = typename Context::weight;
      const W* const mask_token = w.at(mask_token_at).value;
      kernels::scatter_tokens<typename Context::device>::forward(
          context, extents, tokens.batch, Masks::visible, masks.all_patches(),
          static_cast<const T*>(tokens.data), mask_token, static_cast<const W*>(nullptr), all.data);
    }
  };
};

}  // namespace pretext
