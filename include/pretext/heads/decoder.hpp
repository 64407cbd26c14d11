#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/positions.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/transformer.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

/// MAE's decoder (He et al. 2022, §3): the visible tokens in a width of its own, a learned mask token at
/// every hidden place, fixed positions, a small transformer, and a linear layer to the numbers of a patch.
/// Norm and prediction run on the hidden places alone: nothing else enters the loss. Paths are the official
/// ones.
template <std::size_t Width = 512, std::size_t Depth = 8, std::size_t Heads = 16>
struct mae_decoder {
  static constexpr std::size_t width = Width;

  template <Shape In, class Masks>
  using output = shape<Masks::masked, Masks::grid::patch_dim>;

  template <Shape In, class Masks>
  static consteval auto parameters() {
    using at = stages<In, Masks>;
    return concatenate(parameters_of<typename at::entry, In>, at::tokens(),
                       parameters_of<typename at::blocks, typename at::all>,
                       parameters_of<typename at::exit, typename at::masked>);
  }

  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    using at = stages<In, Masks>;
    return pretext::macs<typename at::entry, In> + pretext::macs<typename at::blocks, typename at::all> +
           pretext::macs<typename at::exit, typename at::masked>;
  }

 private:
  /// The parts, the shapes between them and where their weights begin.
  template <Shape In, class Masks>
  struct stages {
    static constexpr kernels::token_extents extents{In::extents[0] - Masks::visible, Masks::grid::patches,
                                                    Width};
    using seen = shape<In::extents[0], Width>;
    using all = shape<extents.tokens(), Width>;
    using masked = shape<Masks::masked, Width>;

    struct entry : sequential<named<"decoder_embed", linear<Width, bias::yes, xavier_uniform>>> {};
    struct blocks : sequential<named<"decoder_blocks", transformer<Depth, Heads>>> {};
    struct exit
        : sequential<named<"decoder_norm", layer_norm>,
                     named<"decoder_pred", linear<Masks::grid::patch_dim, bias::yes, xavier_uniform>>> {};

    static constexpr std::size_t mask_token_at = weight_count<entry, In>,
                                 positions_at = mask_token_at + Width, blocks_at = positions_at + all::size,
                                 exit_at = blocks_at + weight_count<blocks, all>;
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
    cache_of<typename at::entry, In, Context> entry;
    cache_of<typename at::blocks, typename at::all, Context> blocks;
    cache_of<typename at::exit, typename at::masked, Context> exit;
  };

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    using T = typename Context::activation;
    using at = stages<In, Masks>;
    const auto seen = context.activations.template allocate<T, typename at::seen>(x.batch);
    const auto all = context.activations.template allocate<T, typename at::all>(x.batch);
    const auto decoded = context.activations.template allocate<T, typename at::all>(x.batch);
    const auto masked = context.activations.template allocate<T, typename at::masked>(x.batch);
    at::entry::forward(context, w, x, seen, cache.entry);
    restore<at>(context, w, masks, seen, all);
    at::blocks::forward(context, w.at(at::blocks_at), reads<Context, typename at::all>{all}, decoded,
                        cache.blocks);
    kernels::gather_tokens<typename Context::device>::forward(
        context, at::extents, x.batch, masks.masked_patches(), static_cast<const T*>(decoded.data),
        masked.data);
    at::exit::forward(context, w.at(at::exit_at), reads<Context, typename at::masked>{masked}, y, cache.exit);
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
    const auto dseen = context.workspace.template allocate<T, typename at::seen>(dy.batch);
    at::exit::backward(context, w.at(at::exit_at), cache.exit, dy, dmasked);
    kernels::gather_tokens<device>::backward(context, at::extents, dy.batch, masks.masked_patches(),
                                             static_cast<const T*>(dmasked.data), ddecoded.data);
    at::blocks::backward(context, w.at(at::blocks_at), cache.blocks,
                         reads<Context, typename at::all>{ddecoded}, dall);
    kernels::scatter_tokens<device>::backward(context, at::extents, dy.batch, Masks::visible,
                                              masks.all_patches(), static_cast<const T*>(dall.data),
                                              dseen.data, w.at(at::mask_token_at).gradient);
    at::entry::backward(context, w, cache.entry, reads<Context, typename at::seen>{dseen}, dx);
  }

  /// Predictions for every place, hidden or visible, in the image's order: (places, numbers).
  template <class Context, Shape In, class Masks, Shape All>
  static void infer(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                    writes<Context, All> y) {
    using T = typename Context::activation;
    using at = stages<In, Masks>;
    using patches = shape<Masks::grid::patches, Width>;
    const arena_scope guard{context.workspace};
    const auto seen = context.workspace.template allocate<T, typename at::seen>(x.batch);
    const auto all = context.workspace.template allocate<T, typename at::all>(x.batch);
    const auto decoded = context.workspace.template allocate<T, typename at::all>(x.batch);
    const auto of_patches = context.workspace.template allocate<T, patches>(x.batch);
    at::entry::infer(context, w, x, seen);
    restore<at>(context, w, masks, seen, all);
    at::blocks::infer(context, w.at(at::blocks_at), reads<Context, typename at::all>{all}, decoded);
    kernels::gather_tokens<typename Context::device>::forward(
        context, at::extents, x.batch, {Masks::grid::patches}, static_cast<const T*>(decoded.data),
        of_patches.data);
    at::exit::infer(context, w.at(at::exit_at), reads<Context, patches>{of_patches}, y);
  }

 private:
  template <class At, class Context, class Masks, class Seen, class All>
  static void restore(Context& context, weights<Context> w, const Masks& masks, Seen seen, All all) {
    using T = typename Context::activation;
    const typename Context::weight *mask_token = w.at(At::mask_token_at).value,
                                   *positions = w.at(At::positions_at).value;
    kernels::scatter_tokens<typename Context::device>::forward(
        context, At::extents, seen.batch, Masks::visible, masks.all_patches(),
        static_cast<const T*>(seen.data), mask_token, positions, all.data);
  }
};

}  // namespace pretext
