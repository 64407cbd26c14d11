#pragma once
#include <pretext/encoders/masked/visible_patches.hpp>

namespace pretext {

/// Hidden patches are left out: the encoder computes on the visible ones alone (He et al. 2022, §3), and its
/// tokens are those of the class and of the visible patches.
struct drop_masked {
  template <class Encoder, class Masks>
  struct network {
    using images = typename Masks::grid::images;
    using patches = visible_patches<Encoder, Masks>;
    using entrance = typename Encoder::template entrance<images>;
    using trunk = typename Encoder::trunk;
    using embedded = typename patches::output;
    using output = output_of<entrance, embedded>;
    static constexpr std::size_t macs = patches::macs + pretext::macs<trunk, output>;

    static consteval auto parameters() { return parameters_of<Encoder, images>; }

    template <class Context>
    struct cache {
      typename patches::template cache<Context> projected;
      cache_of<entrance, embedded, Context> entered;
      cache_of<trunk, output, Context> body;
    };

    template <class Context>
    static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                        writes<Context, output> y, cache<Context>& cache) {
      using T = typename Context::activation;
      const auto sequence = context.activations.template allocate<T, output>(x.batch);
      const arena_scope guard{context.workspace};
      const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
      patches::forward(context, w, masks, x, tokens, cache.projected);
      entrance::forward(context, w, reads<Context, embedded>{tokens}, sequence, cache.entered,
                        masks.visible_patches());
      trunk::forward(context, w.at(trunk_at), reads<Context, output>{sequence}, y, cache.body);
    }

    template <class Context>
    static void backward(Context& context, weights<Context> w, const Masks&, cache<Context>& cache,
                         reads<Context, output> dy) {
      using T = typename Context::activation;
      const arena_scope guard{context.workspace};
      const auto dsequence = context.workspace.template allocate<T, output>(dy.batch);
      const auto dtokens = context.workspace.template allocate<T, embedded>(dy.batch);
      trunk::backward(context, w.at(trunk_at), cache.body, dy, dsequence);
      entrance::backward(context, w, cache.entered, reads<Context, output>{dsequence}, dtokens);
      patches::backward(context, w, cache.projected, reads<Context, embedded>{dtokens});
    }

    template <class Context>
    static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, output> y) {
      using T = typename Context::activation;
      const arena_scope guard{context.workspace};
      const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
      const auto sequence = context.workspace.template allocate<T, output>(x.batch);
      patches::infer(context, w, masks, x, tokens);
      entrance::infer(context, w, reads<Context, embedded>{tokens}, sequence, masks.visible_patches());
      trunk::infer(context, w.at(trunk_at), reads<Context, output>{sequence}, y);
    }

   private:
    static constexpr std::size_t trunk_at = Encoder::template trunk_at<images>;
  };
};

}  // namespace pretext
