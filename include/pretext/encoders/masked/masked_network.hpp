// SPDX-License-Identifier: MIT
#pragma once
// Both mask modes run the same parts of an encoder on the embeddings of the visible patches: `drop_masked` on
// these alone, `mask_tokens` after a learned token was put in place of each masked patch. One network serves
// both.
#include <cstddef>
#include <type_traits>

#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/visible_patches.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext::inline v0_1::detail {

/// A `PatchEncoder` on masked images: to tokens of its class and of the visible patches, in the masks' order,
/// or, with `HasMaskTokens`, of all patches, in the image's order. Its parameters are the encoder's, then
/// mask_token if any.
template <class Encoder, class Masks, bool HasMaskTokens>
struct masked_network {
  static_assert(
      PatchEncoder<Encoder, typename Masks::grid::images>,
      "pretext: masked images need an encoder of patches, such as vit<>; the concept PatchEncoder lists "
      "the parts that it must have.");
  using images = typename Masks::grid::images;
  using patches = visible_patches<Encoder, Masks>;
  using position_embedding = typename Encoder::template position_embedding<images>;
  using trunk = typename Encoder::trunk;
  using embedded = typename patches::output;  ///< the visible patches
  using completed =
      std::conditional_t<HasMaskTokens, shape<Masks::grid::patches, channels_of<embedded>>, embedded>;
  using output = output_of<position_embedding, completed>;
  static constexpr std::size_t macs = patches::macs + pretext::macs<trunk, output>;

  static consteval auto parameters() {
    if constexpr (HasMaskTokens)
      return concatenate(
          parameters_of<Encoder, images>,
          std::array{
              parameter{"mask_token", {1, 1, channels_of<embedded>}, initialiser::truncated_normal(0.02)}});
    else
      return parameters_of<Encoder, images>;
  }

  template <class Context>
  struct cache {
    typename patches::template cache<Context> patches_cache;
    cache_of<position_embedding, completed, Context> position_cache;
    cache_of<trunk, output, Context> trunk_cache;
  };

  template <class Context>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, output> y, cache<Context>& cache) {
    using T = typename Context::activation;
    const auto sequence = context.activations.template allocate<T, output>(x.batch);
    const arena_scope guard{context.workspace};
    const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
    patches::forward(context, w, masks, x, tokens, cache.patches_cache);
    position_embedding::forward(context, w, complete(context, w, masks, tokens), sequence,
                                cache.position_cache, positions(masks));
    trunk::forward(context, w.at(trunk_offset), reads<Context, output>{sequence}, y, cache.trunk_cache);
  }

  template <class Context>
  static void backward(Context& context, weights<Context> w, const Masks& masks, cache<Context>& cache,
                       reads<Context, output> dy) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dsequence = context.workspace.template allocate<T, output>(dy.batch);
    const auto dtokens = context.workspace.template allocate<T, embedded>(dy.batch);
    trunk::backward(context, w.at(trunk_offset), cache.trunk_cache, dy, dsequence);
    const reads<Context, output> gradient{dsequence};
    if constexpr (HasMaskTokens) {
      const auto dall = context.workspace.template allocate<T, completed>(dy.batch);
      position_embedding::backward(context, w, cache.position_cache, gradient, dall);
      kernels::scatter_tokens<typename Context::device>::backward(
          context, extents, dy.batch, Masks::visible, masks.all_patches(), static_cast<const T*>(dall.data),
          dtokens.data, w.at(mask_token_offset).gradient);
    } else {
      position_embedding::backward(context, w, cache.position_cache, gradient, dtokens);
    }
    patches::backward(context, w, cache.patches_cache, reads<Context, embedded>{dtokens});
  }

  template <class Context>
  static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                    writes<Context, output> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto tokens = context.workspace.template allocate<T, embedded>(x.batch);
    const auto sequence = context.workspace.template allocate<T, output>(x.batch);
    patches::infer(context, w, masks, x, tokens);
    position_embedding::infer(context, w, complete(context, w, masks, tokens), sequence, positions(masks));
    trunk::infer(context, w.at(trunk_offset), reads<Context, output>{sequence}, y);
  }

 private:
  static constexpr std::size_t trunk_offset = Encoder::template trunk_at<images>,
                               mask_token_offset = weight_count<Encoder, images>;
  static constexpr kernels::token_extents extents{0, Masks::grid::patches, channels_of<embedded>};

  /// The patches whose positions are added to the tokens.
  static kernels::index_list positions(const Masks& masks) {
    if constexpr (HasMaskTokens)
      return {Masks::grid::patches};
    else
      return masks.visible_patches();
  }

  /// The tokens of all patches, in workspace memory; the visible ones themselves if there are no mask tokens.
  template <class Context>
  static reads<Context, completed> complete(Context& context, weights<Context> w, const Masks& masks,
                                            reads<Context, embedded> tokens) {
    if constexpr (HasMaskTokens) {
      using T = typename Context::activation;
      using W = typename Context::weight;
      const auto all = context.workspace.template allocate<T, completed>(tokens.batch);
      const W* const mask_token = w.at(mask_token_offset).value;
      kernels::scatter_tokens<typename Context::device>::forward(
          context, extents, tokens.batch, Masks::visible, masks.all_patches(), tokens.data, mask_token,
          static_cast<const W*>(nullptr), all.data);
      return all;
    } else {
      return tokens;
    }
  }
};

}  // namespace pretext::inline v0_1::detail
