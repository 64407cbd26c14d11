// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/fixed_string.hpp>
#include <pretext/encoders/vit_recipes.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/patch_embedding.hpp>
#include <pretext/layers/positioned_tokens.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/transformer.hpp>

namespace pretext::inline v0_1 {

/// The blocks of a vision transformer.
template <std::size_t Depth, std::size_t Heads, class Recipe>
using vit_blocks = transformer<Depth, Heads, 4, typename Recipe::linear_init,
                               typename Recipe::template perceptron<typename Recipe::linear_init>,
                               typename Recipe::branch_scale>;

/// The part of a vision transformer that accepts any number of tokens: blocks, then layer norm; (T, D) to (T,
/// D). Parameter paths are timm's: blocks.0 …, norm.
template <std::size_t Depth, std::size_t Heads, class Recipe = mae_pretraining>
struct vit_trunk : sequential<named<"blocks", vit_blocks<Depth, Heads, Recipe>>, named<"norm", layer_norm>> {
};

/// A vision transformer (Dosovitskiy et al. 2021): images (H, W, C), square or not, to the feature (Width). H
/// and W must be multiples of Patch, Width of Heads. Parameters have the names and order of timm and of the
/// official MAE: cls_token, reg_token, pos_embed, patch_embed.proj, blocks.0 …, norm (fc_norm if it follows a
/// mean). The recipe (encoders/vit_recipes.hpp) says which of them there are.
/// Its parts are public, so that a method may run them on other tokens with the same weights; see the concept
/// PatchEncoder.
template <std::size_t Patch, std::size_t Width, std::size_t Depth, std::size_t Heads,
          class Recipe = mae_pretraining>
struct vit {
  using recipe = Recipe;
  using embedding = patch_embedding<Patch, Width, typename Recipe::patch_init>;
  using blocks = vit_blocks<Depth, Heads, Recipe>;
  using trunk = vit_trunk<Depth, Heads, Recipe>;
  static constexpr std::size_t patch = Patch, width = Width, heads = Heads;
  static constexpr fixed_string classifier{
      "head"};  ///< the path of the classifier on the feature in timm and MAE

  template <ImageShape In>
  using patches = output_of<embedding, In>;
  /// The images to whose grid the table of positions belongs.
  template <ImageShape In>
  using grid = std::conditional_t<std::is_void_v<typename Recipe::grid>, In, typename Recipe::grid>;
  template <ImageShape In>
  using position_embedding = positioned_tokens<In::extents[0] / Patch, In::extents[1] / Patch, Recipe,
                                               grid<In>::extents[0] / Patch, grid<In>::extents[1] / Patch>;
  template <ImageShape In>
  using tokens = output_of<position_embedding<In>, patches<In>>;
  using feature = shape<Width>;
  /// What the last norm reads: the feature, or all tokens.
  static constexpr bool norms_tokens = Recipe::feature == token_pooling::normed_mean;
  template <ImageShape In>
  using normed = std::conditional_t<norms_tokens, tokens<In>, feature>;
  static_assert(Recipe::has_class_token || Recipe::feature != token_pooling::class_token,
                "pretext::vit: a recipe without a class token needs a mean of tokens as its feature.");

  template <ImageShape In>
    requires Accepts<embedding, In> && Accepts<blocks, tokens<In>> && Accepts<embedding, grid<In>>
  using output = feature;

  /// Offsets of the parts in the slice. The blocks and the norm are stored as in `trunk`.
  static constexpr std::size_t position_embedding_at = 0;
  template <ImageShape In>
  static constexpr std::size_t embedding_at = weight_count<position_embedding<In>, patches<In>>;
  template <ImageShape In>
  static constexpr std::size_t trunk_at = embedding_at<In> + weight_count<embedding, In>;
  template <ImageShape In>
  static constexpr std::size_t norm_at = trunk_at<In> + weight_count<blocks, tokens<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    constexpr auto norm_name = Recipe::feature == token_pooling::mean ? "fc_norm" : "norm";
    auto projection = prefixed("patch_embed", parameters_of<embedding, In>);
    for (parameter& p : projection) p.lr_multiplier = Recipe::patch_rate;
    auto table = concatenate(with_depth(0, parameters_of<position_embedding<In>, patches<In>>),
                             with_depth(0, projection), prefixed("blocks", parameters_of<blocks, tokens<In>>),
                             prefixed(norm_name, parameters_of<layer_norm, feature>));
    // Block i has depth i + 1; the norm comes after the last.
    constexpr std::size_t first =
        parameters_of<position_embedding<In>, patches<In>>.size() + parameters_of<embedding, In>.size();
    constexpr std::size_t rows = parameters_of<blocks, tokens<In>>.size() / Depth;
    for (std::size_t row = 0; row < Depth * rows; ++row) table[first + row].depth = 1 + int(row / rows);
    return table;
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<embedding, In> + pretext::macs<blocks, tokens<In>>;
  }

  template <ImageShape In, class Context>
  struct cache {
    cache_of<embedding, In, Context> embedded;
    cache_of<position_embedding<In>, patches<In>, Context> positioned;
    cache_of<blocks, tokens<In>, Context> body;
    cache_of<layer_norm, normed<In>, Context> normalised;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, feature> y,
                      cache<In, Context>& cache) {
    using T = typename Context::activation;
    const auto sequence = context.activations.template allocate<T, tokens<In>>(x.batch);
    const auto transformed = context.activations.template allocate<T, tokens<In>>(x.batch);
    const auto pooled = context.activations.template allocate<T, normed<In>>(x.batch);
    {
      const arena_scope guard{context.workspace};
      const auto embedded = context.workspace.template allocate<T, patches<In>>(x.batch);
      embedding::forward(context, w.at(embedding_at<In>), x, embedded, cache.embedded);
      position_embedding<In>::forward(context, w, reads<Context, patches<In>>{embedded}, sequence,
                                      cache.positioned);
    }
    blocks::forward(context, w.at(trunk_at<In>), reads<Context, tokens<In>>{sequence}, transformed,
                    cache.body);
    pool_and_norm<In>(context, reads<Context, tokens<In>>{transformed}, pooled, y,
                      [&](reads<Context, normed<In>> from, writes<Context, normed<In>> to) {
                        layer_norm::forward(context, w.at(norm_at<In>), from, to, cache.normalised);
                      });
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, feature> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dpooled = context.workspace.template allocate<T, normed<In>>(dy.batch);
    const auto dtransformed = context.workspace.template allocate<T, tokens<In>>(dy.batch);
    const auto dsequence = context.workspace.template allocate<T, tokens<In>>(dy.batch);
    const auto dembedded = context.workspace.template allocate<T, patches<In>>(dy.batch);
    const auto spread = [&](reads<Context, feature> dfeature, writes<Context, tokens<In>> to) {
      kernels::token_mean<typename Context::device>::backward(context, dy.batch, tokens<In>::extents[0],
                                                              Width, pooled_from, pooled_count<In>,
                                                              dfeature.data, to.data);
    };
    if constexpr (norms_tokens) {
      spread(dy, dpooled);
      layer_norm::backward(context, w.at(norm_at<In>), cache.normalised, reads<Context, tokens<In>>{dpooled},
                           dtransformed);
    } else {
      layer_norm::backward(context, w.at(norm_at<In>), cache.normalised, dy, dpooled);
      spread(reads<Context, feature>{dpooled}, dtransformed);
    }
    blocks::backward(context, w.at(trunk_at<In>), cache.body, reads<Context, tokens<In>>{dtransformed},
                     dsequence);
    position_embedding<In>::backward(context, w, cache.positioned, reads<Context, tokens<In>>{dsequence},
                                     dembedded);
    embedding::backward(context, w.at(embedding_at<In>), cache.embedded,
                        reads<Context, patches<In>>{dembedded}, dx);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, feature> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto embedded = context.workspace.template allocate<T, patches<In>>(x.batch);
    const auto sequence = context.workspace.template allocate<T, tokens<In>>(x.batch);
    const auto transformed = context.workspace.template allocate<T, tokens<In>>(x.batch);
    const auto pooled = context.workspace.template allocate<T, normed<In>>(x.batch);
    embedding::infer(context, w.at(embedding_at<In>), x, embedded);
    position_embedding<In>::infer(context, w, reads<Context, patches<In>>{embedded}, sequence);
    blocks::infer(context, w.at(trunk_at<In>), reads<Context, tokens<In>>{sequence}, transformed);
    pool_and_norm<In>(context, reads<Context, tokens<In>>{transformed}, pooled, y,
                      [&](reads<Context, normed<In>> from, writes<Context, normed<In>> to) {
                        layer_norm::infer(context, w.at(norm_at<In>), from, to);
                      });
  }

 private:
  static constexpr std::size_t pooled_from = Recipe::feature == token_pooling::class_token
                                                 ? 0
                                                 : (Recipe::has_class_token ? 1 : 0) + Recipe::registers;
  template <ImageShape In>
  static constexpr std::size_t pooled_count =
      Recipe::feature == token_pooling::class_token ? 1 : patches<In>::extents[0];

  /// The feature of the blocks' tokens; `norm(from, to)` is the last norm. A token that is the feature, or a
  /// mean, is taken out before the norm, which acts on each token alone; `pooled` holds what the norm reads,
  /// or what it writes if it reads all tokens.
  template <ImageShape In, class Context, class Norm>
  static void pool_and_norm(Context& context, reads<Context, tokens<In>> transformed,
                            writes<Context, normed<In>> pooled, writes<Context, feature> y,
                            const Norm& norm) {
    const auto mean = [&](reads<Context, tokens<In>> from, writes<Context, feature> to) {
      kernels::token_mean<typename Context::device>::forward(context, from.batch, tokens<In>::extents[0],
                                                             Width, pooled_from, pooled_count<In>, from.data,
                                                             to.data);
    };
    if constexpr (norms_tokens) {
      norm(transformed, pooled);
      mean(reads<Context, tokens<In>>{pooled}, y);
    } else {
      mean(transformed, pooled);
      norm(reads<Context, feature>{pooled}, y);
    }
  }
};

/// The sizes of Touvron et al. 2021 (Ti, S) and Dosovitskiy et al. 2021 (B, L, H): `vit_small<16>` for
/// 224-pixel images, `vit_tiny<4>` for 32-pixel ones.
template <std::size_t Patch, class Recipe = mae_pretraining>
struct vit_tiny : vit<Patch, 192, 12, 3, Recipe> {};
/// ViT-S: width 384, 12 blocks, 6 heads.
template <std::size_t Patch, class Recipe = mae_pretraining>
struct vit_small : vit<Patch, 384, 12, 6, Recipe> {};
/// ViT-B: width 768, 12 blocks, 12 heads.
template <std::size_t Patch, class Recipe = mae_pretraining>
struct vit_base : vit<Patch, 768, 12, 12, Recipe> {};
/// ViT-L: width 1024, 24 blocks, 16 heads.
template <std::size_t Patch, class Recipe = mae_pretraining>
struct vit_large : vit<Patch, 1024, 24, 16, Recipe> {};
/// ViT-H: width 1280, 32 blocks, 16 heads.
template <std::size_t Patch, class Recipe = mae_pretraining>
struct vit_huge : vit<Patch, 1280, 32, 16, Recipe> {};
/// DINOv2's ViT-g: width 1536, 40 blocks, 24 heads.
template <std::size_t Patch, class Recipe = dinov2_giant>
struct vit_giant : vit<Patch, 1536, 40, 24, Recipe> {};

}  // namespace pretext::inline v0_1
