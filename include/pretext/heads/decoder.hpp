// SPDX-License-Identifier: MIT
#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/positions.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/transformer.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

/// MAE's decoder (He et al. 2022, §3): the tokens of class and visible patches, (1 + visible, D), to
/// predicted pixels of the masked patches, (masked, patch_dim). A linear layer to `Width`, a learned mask
/// token for each masked patch, constant positions, a transformer of `Depth` blocks, and a linear layer to
/// the pixels of a patch. The last norm and the prediction run on the masked patches alone, because nothing
/// else enters the loss. Parameter paths are those of the official code.
template <std::size_t Width = 512, std::size_t Depth = 8, std::size_t Heads = 16>
struct mae_decoder {
  static constexpr std::size_t width = Width;

  template <Shape In, class Masks>
  using output = shape<Masks::masked, Masks::grid::patch_dim>;

  template <Shape In, class Masks>
  static consteval auto parameters() {
    using at = stages<In, Masks>;
    return concatenate(parameters_of<typename at::embed, In>, at::tokens(),
                       parameters_of<typename at::blocks, typename at::all>,
                       parameters_of<typename at::predict, typename at::masked>);
  }

  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    using at = stages<In, Masks>;
    return pretext::macs<typename at::embed, In> + pretext::macs<typename at::blocks, typename at::all> +
           pretext::macs<typename at::predict, typename at::masked>;
  }

 private:
  /// The parts, the shapes between them and their offsets in the slice.
  template <Shape In, class Masks>
  struct stages {
    static constexpr kernels::token_extents extents{In::extents[0] - Masks::visible, Masks::grid::patches,
                                                    Width};
    using embedded = shape<In::extents[0], Width>;
    using all = shape<extents.tokens(), Width>;
    using masked = shape<Masks::masked, Width>;

    struct embed : sequential<named<"decoder_embed", linear<Width, bias::yes, xavier_uniform>>> {};
    struct blocks : sequential<named<"decoder_blocks", transformer<Depth, Heads>>> {};
    struct predict
        : sequential<named<"decoder_norm", layer_norm>,
                     named<"decoder_pred", linear<Masks::grid::patch_dim, bias::yes, xavier_uniform>>> {};

    static constexpr std::size_t mask_token_at = weight_count<embed, In>,
                                 positions_at = mask_token_at + Width, blocks_at = positions_at + all::size,
                                 predict_at = blocks_at + weight_count<blocks, all>;
    static consteval auto tokens() {
      static_assert(extents.prefix_tokens == 1,
                    "pretext::mae_decoder: its encoder must have one class token.");
      return with_offsets(
          std::array{parameter{"mask_token", {1, 1, Width}, initialiser::normal(0.02)},
                     position_table<Masks::grid::rows, Masks::grid::columns, Width, positions::fixed>(
                         "decoder_pos_embed")});
    }
  };

 public:
  template <Shape In, class Masks, class Context>
  struct cache {
    using at = stages<In, Masks>;
    cache_of<typename at::embed, In, Context> embed;
    cache_of<typename at::blocks, typename at::all, Context> blocks;
    cache_of<typename at::predict, typename at::masked, Context> predict;
  };

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    using T = typename Context::activation;
    using at = stages<In, Masks>;
    const auto embedded = context.activations.template allocate<T, typename at::embedded>(x.batch);
    const auto all = context.activations.template allocate<T, typename at::all>(x.batch);
    const auto decoded = context.activations.template allocate<T, typename at::all>(x.batch);
    const auto masked = context.activations.template allocate<T, typename at::masked>(x.batch);
    at::embed::forward(context, w, x, embedded, cache.embed);
    restore<at>(context, w, masks, embedded, all);
    at::blocks::forward(context, w.at(at::blocks_at), reads<Context, typename at::all>{all}, decoded,
                        cache.blocks);
    kernels::gather_tokens<typename Context::device>::forward(
        context, at::extents, x.batch, masks.masked_patches(), static_cast<const T*>(decoded.data),
        masked.data);
    at::predict::forward(context, w.at(at::predict_at), reads<Context, typename at::masked>{masked}, y,
                         cache.predict);
  }

  template <class Context, Shape In, class Masks>
  static void backward(Context& context, weights<Context> w, const Masks& masks,
                       cache<In, Masks, Context>& cache, reads<Context, output<In, Masks>> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    using device = typename Context::device;
    using at = stages<In, Masks>;
    const arena_scope guard{context.workspace};
    const auto dmasked = context.workspace.template allocate<T, typename at::masked>(dy.batch);
    const auto ddecoded = context.workspace.template allocate<T, typename at::all>(dy.batch);
    const auto dall = context.workspace.template allocate<T, typename at::all>(dy.batch);
    const auto dembedded = context.workspace.template allocate<T, typename at::embedded>(dy.batch);
    at::predict::backward(context, w.at(at::predict_at), cache.predict, dy, dmasked);
    kernels::gather_tokens<device>::backward(context, at::extents, dy.batch, masks.masked_patches(),
                                             static_cast<const T*>(dmasked.data), ddecoded.data);
    at::blocks::backward(context, w.at(at::blocks_at), cache.blocks,
                         reads<Context, typename at::all>{ddecoded}, dall);
    kernels::scatter_tokens<device>::backward(context, at::extents, dy.batch, Masks::visible,
                                              masks.all_patches(), static_cast<const T*>(dall.data),
                                              dembedded.data, w.at(at::mask_token_at).gradient);
    at::embed::backward(context, w, cache.embed, reads<Context, typename at::embedded>{dembedded}, dx);
  }

  /// Predictions for every patch, masked or visible, in the image's order: (patches, patch_dim).
  template <class Context, Shape In, class Masks, Shape All>
  static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                    writes<Context, All> y) {
    using T = typename Context::activation;
    using at = stages<In, Masks>;
    using patches = shape<Masks::grid::patches, Width>;
    const arena_scope guard{context.workspace};
    const auto embedded = context.workspace.template allocate<T, typename at::embedded>(x.batch);
    const auto all = context.workspace.template allocate<T, typename at::all>(x.batch);
    const auto decoded = context.workspace.template allocate<T, typename at::all>(x.batch);
    const auto of_patches = context.workspace.template allocate<T, patches>(x.batch);
    at::embed::infer(context, w, x, embedded);
    restore<at>(context, w, masks, embedded, all);
    at::blocks::infer(context, w.at(at::blocks_at), reads<Context, typename at::all>{all}, decoded);
    kernels::gather_tokens<typename Context::device>::forward(
        context, at::extents, x.batch, {Masks::grid::patches}, static_cast<const T*>(decoded.data),
        of_patches.data);
    at::predict::infer(context, w.at(at::predict_at), reads<Context, patches>{of_patches}, y);
  }

 private:
  template <class At, class Context, class Masks, class Embedded, class All>
  static void restore(Context& context, weights<Context> w, const Masks& masks, Embedded embedded, All all) {
    using T = typename Context::activation;
    const typename Context::weight *mask_token = w.at(At::mask_token_at).value,
                                   *positions = w.at(At::positions_at).value;
    kernels::scatter_tokens<typename Context::device>::forward(
        context, At::extents, embedded.batch, Masks::visible, masks.all_patches(),
        static_cast<const T*>(embedded.data), mask_token, positions, all.data);
  }
};

}  // namespace pretext::inline v0_1
