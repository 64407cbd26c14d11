// SPDX-License-Identifier: MIT
#pragma once
#include <type_traits>

#include <pretext/core/arena.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/kernels/tokens.hpp>

namespace pretext::inline v0_1::detail {

/// Whether the feature of an encoder is its class token; true for an encoder without a recipe.
template <class E>
inline constexpr bool feature_is_class_token = true;
template <class E>
  requires requires { E::recipe::feature; }
inline constexpr bool feature_is_class_token<E> =
    E::recipe::feature == std::remove_cv_t<decltype(E::recipe::feature)>::class_token;

/// The feature of an encoder that computes on the visible patches of masked images alone: its class token.
template <class Encoder, class Masks>
struct masked_feature {
  using network = drop_masked::network<Encoder, Masks>;
  using images = typename Masks::grid::images;
  using tokens = typename network::output;
  using feature = output_of<Encoder, images>;

  template <class Context>
  using cache = typename network::template cache<Context>;

  /// `w` is the slice of the encoder, here and below.
  template <class Context>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, images> x,
                      writes<Context, feature> y, cache<Context>& cache) {
    using T = typename Context::activation;
    const auto all = context.activations.template allocate<T, tokens>(x.batch);
    network::forward(context, w, masks, x, all, cache);
    kernels::token_mean<typename Context::device>::forward(
        context, x.batch, tokens::extents[0], feature::size, 0, 1, static_cast<const T*>(all.data), y.data);
  }

  template <class Context>
  static void backward(Context& context, weights<Context> w, const Masks& masks, cache<Context>& cache,
                       reads<Context, feature> dy) {
    const arena_scope guard{context.workspace};
    const auto all = context.workspace.template allocate<typename Context::activation, tokens>(dy.batch);
    kernels::token_mean<typename Context::device>::backward(context, dy.batch, tokens::extents[0],
                                                            feature::size, 0, 1, dy.data, all.data);
    network::backward(context, w, masks, cache, reads<Context, tokens>{all});
  }
};

}  // namespace pretext::inline v0_1::detail
