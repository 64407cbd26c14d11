// SPDX-License-Identifier: MIT
#pragma once
// What a method requires of its encoder. Methods check these concepts before a device is chosen, so that a
// wrong policy is reported in one sentence; the `...On` concepts add the functions, whose types depend on a
// context.
#include <concepts>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/masking/concepts.hpp>

namespace pretext::inline v0_1 {

/// A network from a sample shaped `In`, usually an image (H, W, C), to a feature `shape<D>`. With a context
/// it is also a `Layer<E, In, Context>`.
template <class E, class In>
concept Encoder = LayerSpec<E, In> && FeatureShape<output_of<E, In>>;

/// An encoder of image patches whose parts a method may run on a selection of the patches, as masked-image
/// modeling does: a patch size, a patch embedding, an `position_embedding` that turns patch embeddings into
/// tokens (class token and positions), a `trunk` over any number of tokens, and where the weights of the
/// parts begin. `vit` is the model.
template <class E, class Images>
concept PatchEncoder = ImageShape<Images> && Encoder<E, Images> && requires {
  { E::patch } -> std::convertible_to<std::size_t>;
  typename E::embedding::projection;
  typename E::template position_embedding<Images>;
  typename E::trunk;
  { E::template embedding_at<Images> } -> std::convertible_to<std::size_t>;
  { E::template trunk_at<Images> } -> std::convertible_to<std::size_t>;
};

/// How an encoder treats masked patches (`drop_masked`, `mask_tokens`): `network<E, Masks>` is the encoder as
/// it runs on masked images. It is no layer, because it also reads the masks and never needs a gradient of
/// the images.
template <class M, class E, class Masks>
concept MaskMode = MaskSet<Masks> && requires {
  typename M::template network<E, Masks>;
  requires Shape<typename M::template network<E, Masks>::output>;
  { M::template network<E, Masks>::macs } -> std::convertible_to<std::size_t>;
  { M::template network<E, Masks>::parameters().size() } -> std::convertible_to<std::size_t>;
};

/// A mask mode whose network runs forward, backward and without a cache in a context.
template <class M, class E, class Masks, class Context>
concept MaskModeOn = MaskMode<M, E, Masks> &&
    requires(Context& context, weights<Context> w, const Masks& masks,
             typename M::template network<E, Masks>::template cache<Context>& cache,
             reads<Context, typename Masks::grid::images> x,
             writes<Context, typename M::template network<E, Masks>::output> y,
             reads<Context, typename M::template network<E, Masks>::output> dy) {
  M::template network<E, Masks>::forward(context, w, masks, x, y, cache);
  M::template network<E, Masks>::backward(context, w, masks, cache, dy);
  M::template network<E, Masks>::infer(context, w, masks, x, y);
};

}  // namespace pretext::inline v0_1
