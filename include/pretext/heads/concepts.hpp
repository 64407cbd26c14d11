// SPDX-License-Identifier: MIT
#pragma once
// What a method requires of the networks after its encoder. Methods check these concepts before a device is
// chosen, so that a wrong policy is reported in one sentence; `DecoderOn` adds the functions.
#include <concepts>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/masking/concepts.hpp>

namespace pretext::inline v0_1 {

/// A network from a feature to a feature: a projection head, a predictor, a classifier. With a context it is
/// also a `Layer<H, In, Context>`.
template <class H, class In>
concept Head = FeatureShape<In> && LayerSpec<H, In> && FeatureShape<output_of<H, In>>;

/// A network from an encoder's tokens to predictions for the masked patches, (masked, patch_dim). It is no
/// layer, because it also reads the masks.
template <class D, class Tokens, class Masks>
concept Decoder = Shape<Tokens> && MaskSet<Masks> && requires {
  requires std::same_as<typename D::template output<Tokens, Masks>,
                        shape<Masks::masked, Masks::grid::patch_dim>>;
  { D::template parameters<Tokens, Masks>().size() } -> std::convertible_to<std::size_t>;
  { D::template macs<Tokens, Masks>() } -> std::convertible_to<std::size_t>;
};

/// A decoder that runs in a context; `infer` predicts every patch, masked or visible, in the image's order.
template <class D, class Tokens, class Masks, class Context>
concept DecoderOn = Decoder<D, Tokens, Masks> &&
    requires(Context& context, weights<Context> w, const Masks& masks,
             typename D::template cache<Tokens, Masks, Context>& cache, reads<Context, Tokens> x,
             writes<Context, Tokens> dx, writes<Context, typename D::template output<Tokens, Masks>> y,
             reads<Context, typename D::template output<Tokens, Masks>> dy,
             writes<Context, shape<Masks::grid::patches, Masks::grid::patch_dim>> all) {
  D::forward(context, w, masks, x, y, cache);
  D::backward(context, w, masks, cache, dy, dx);
  D::infer(context, w, masks, x, all);
};

}  // namespace pretext::inline v0_1
