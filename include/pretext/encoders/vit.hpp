// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/fixed_string.hpp>
#include <pretext/layers/class_token.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/patch_embedding.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/transformer.hpp>

namespace pretext::inline v0_1 {

/// The feature of a vision transformer: its class token after the last norm, or the mean of its patch tokens,
/// normalised afterwards (MAE's global_pool).
enum class token_pooling { class_token, mean };

/// A recipe holds everything that defines a vision transformer besides its size; derive from one to change a
/// line of it. This one is MAE's pretraining (He et al. 2022, A.1 and the official code).
struct mae_pretraining {
  using linear_init = xavier_uniform;
  using patch_init = mae_patch_init;
  static constexpr initialiser class_token = initialiser::normal(0.02);
  static constexpr positions position = positions::fixed;
  static constexpr parameter_decay token_decay = parameter_decay::yes, position_decay = parameter_decay::no;
  static constexpr token_pooling feature = token_pooling::class_token;
};

/// MAE's fine-tuning: positions are learned, starting from pretraining's table, and neither they nor the
/// class token have weight decay.
struct mae_fine_tuning : mae_pretraining {
  static constexpr positions position = positions::tuned;
  static constexpr parameter_decay token_decay = parameter_decay::no;
  static constexpr token_pooling feature = token_pooling::mean;
};

/// timm's default for supervised training: learned positions, truncated normal weights.
struct supervised_init {
  using linear_init = truncated_normal_init<std::ratio<1, 50>>;
  using patch_init = torch_init;
  static constexpr initialiser class_token = initialiser::normal(1e-6);
  static constexpr positions position = positions::learned;
  static constexpr parameter_decay token_decay = parameter_decay::no, position_decay = parameter_decay::no;
  static constexpr token_pooling feature = token_pooling::class_token;
};

/// The part of a vision transformer that accepts any number of tokens: blocks, then layer norm; (T, D) to (T,
/// D). Parameter paths are timm's: blocks.0 …, norm.
template <std::size_t Depth, std::size_t Heads, class Recipe = mae_pretraining>
struct vit_trunk : sequential<named<"blocks", transformer<Depth, Heads, 4, typename Recipe::linear_init>>,
                              named<"norm", layer_norm>> {};

/// A vision transformer (Dosovitskiy et al. 2021): images (H, W, C), square or not, to the feature (Width). H
/// and W must be multiples of Patch, Width of Heads. Parameters have the names and order of timm and of the
/// official MAE: cls_token, pos_embed, patch_embed.proj, blocks.0 …, norm (fc_norm if the feature is a mean).
/// Its parts are public, so that a method may run them on other tokens with the same weights; see the concept
/// PatchEncoder.
template <std::size_t Patch, std::size_t Width, std::size_t Depth, std::size_t Heads,
          class Recipe = mae_pretraining>
struct vit {
  using recipe = Recipe;
  using embedding = patch_embedding<Patch, Width, typename Recipe::patch_init>;
  using blocks = transformer<Depth, Heads, 4, typename Recipe::linear_init>;
  using trunk = vit_trunk<Depth, Heads, Recipe>;
  static constexpr std::size_t patch = Patch, width = Width;
  static constexpr fixed_string classifier{
      "head"};  ///< the path of the classifier on the feature in timm and MAE

  template <ImageShape In>
  using patches = output_of<embedding, In>;
  template <ImageShape In>
  using position_embedding = class_token<In::extents[0] / Patch, In::extents[1] / Patch, Recipe>;
  template <ImageShape In>
  using tokens = output_of<position_embedding<In>, patches<In>>;
  using feature = shape<Width>;

  template <ImageShape In>
    requires Accepts<embedding, In> && Accepts<blocks, tokens<In>>
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
    auto table = concatenate(with_depth(0, parameters_of<position_embedding<In>, patches<In>>),
                             with_depth(0, prefixed("patch_embed", parameters_of<embedding, In>)),
                             prefixed("blocks", parameters_of<blocks, tokens<In>>),
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
    cache_of<layer_norm, feature, Context> normed;
  };

  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, feature> y,
                      cache<In, Context>& cache) {
    using T = typename Context::activation;
    const auto sequence = context.activations.template allocate<T, tokens<In>>(x.batch);
    const auto transformed = context.activations.template allocate<T, tokens<In>>(x.batch);
    const auto pooled = context.activations.template allocate<T, feature>(x.batch);
    {
      const arena_scope guard{context.workspace};
      const auto embedded = context.workspace.template allocate<T, patches<In>>(x.batch);
      embedding::forward(context, w.at(embedding_at<In>), x, embedded, cache.embedded);
      position_embedding<In>::forward(context, w, reads<Context, patches<In>>{embedded}, sequence,
                                      cache.positioned);
    }
    blocks::forward(context, w.at(trunk_at<In>), reads<Context, tokens<In>>{sequence}, transformed,
                    cache.body);
    mean<In>(context, reads<Context, tokens<In>>{transformed}, pooled);
    layer_norm::forward(context, w.at(norm_at<In>), reads<Context, feature>{pooled}, y, cache.normed);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, feature> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dpooled = context.workspace.template allocate<T, feature>(dy.batch);
    const auto dtransformed = context.workspace.template allocate<T, tokens<In>>(dy.batch);
    const auto dsequence = context.workspace.template allocate<T, tokens<In>>(dy.batch);
    const auto dembedded = context.workspace.template allocate<T, patches<In>>(dy.batch);
    layer_norm::backward(context, w.at(norm_at<In>), cache.normed, dy, dpooled);
    kernels::token_mean<typename Context::device>::backward(
        context, dy.batch, tokens<In>::extents[0], Width, pooled_from, pooled_count<In>,
        static_cast<const T*>(dpooled.data), dtransformed.data);
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
    const auto pooled = context.workspace.template allocate<T, feature>(x.batch);
    embedding::infer(context, w.at(embedding_at<In>), x, embedded);
    position_embedding<In>::infer(context, w, reads<Context, patches<In>>{embedded}, sequence);
    blocks::infer(context, w.at(trunk_at<In>), reads<Context, tokens<In>>{sequence}, transformed);
    mean<In>(context, reads<Context, tokens<In>>{transformed}, pooled);
    layer_norm::infer(context, w.at(norm_at<In>), reads<Context, feature>{pooled}, y);
  }

 private:
  static constexpr std::size_t pooled_from = Recipe::feature == token_pooling::mean ? 1 : 0;
  template <ImageShape In>
  static constexpr std::size_t pooled_count =
      Recipe::feature == token_pooling::mean ? patches<In>::extents[0] : 1;

  /// The token that becomes the feature. It is taken out before the norm, which acts on each token alone.
  template <ImageShape In, class Context>
  static void mean(Context& context, reads<Context, tokens<In>> transformed,
                   writes<Context, feature> pooled) {
    kernels::token_mean<typename Context::device>::forward(context, transformed.batch, tokens<In>::extents[0],
                                                           Width, pooled_from, pooled_count<In>,
                                                           transformed.data, pooled.data);
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

}  // namespace pretext::inline v0_1
