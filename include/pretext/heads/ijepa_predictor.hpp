// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <ratio>

#include <pretext/core/macs.hpp>
#include <pretext/heads/detail/target_sequences.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/positions.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/transformer.hpp>
#include <pretext/masking/context_and_targets.hpp>

namespace pretext::inline v0_1 {

/// I-JEPA's predictor (Assran et al. 2023, §3): the tokens of a context, (visible, D), to the features of the
/// patches of each target, (per_target, D), targets·n rows. A linear layer to `Width`, constant positions,
/// for each target by itself a learned mask token at each of its places, a transformer of `Depth` blocks,
/// layer norm, and a linear layer to D. Parameter paths and initialisers are those of the official code.
template <std::size_t Width = 384, std::size_t Depth = 12, std::size_t Heads = 16>
struct ijepa_predictor {
  static constexpr std::size_t width = Width;

  template <Shape In, class Masks>
  using output = shape<Masks::per_target, channels_of<In>>;

 private:
  using init = truncated_normal_init<std::ratio<1, 50>>;

  /// The parts, the shapes between them and their offsets in the slice.
  template <Shape In, class Masks>
  struct stages {
    static_assert(
        In::extents[0] == Masks::visible,
        "pretext::ijepa_predictor: its encoder must have no class token and no registers; choose the "
        "recipe ijepa_pretraining.");
    using embedded = shape<Masks::visible, Width>;
    using sequence = shape<Masks::visible + Masks::per_target, Width>;
    using hidden = shape<Masks::per_target, Width>;
    static constexpr kernels::token_extents extents{Masks::visible, Masks::per_target, Width};

    struct embed : sequential<named<"predictor_embed", linear<Width, bias::yes, init>>> {};
    struct blocks : sequential<named<"predictor_blocks", transformer<Depth, Heads, 4, init, mlp<4, init>>>> {
    };
    struct predict : sequential<named<"predictor_norm", layer_norm>,
                                named<"predictor_proj", linear<channels_of<In>, bias::yes, init>>> {};

    static consteval auto tokens() {
      return with_offsets(
          std::array{parameter{"mask_token", {1, 1, Width}, initialiser::truncated_normal(0.02)},
                     position_table<Masks::grid::rows, Masks::grid::columns, Width, positions::fixed, 0>(
                         "predictor_pos_embed")});
    }
    static constexpr std::size_t mask_token_at = weight_count<embed, In>,
                                 positions_at = mask_token_at + Width,
                                 blocks_at = positions_at + Masks::grid::patches * Width,
                                 predict_at = blocks_at + weight_count<blocks, sequence>;
  };

 public:
  template <Shape In, class Masks>
  static consteval auto parameters() {
    using at = stages<In, Masks>;
    return concatenate(parameters_of<typename at::embed, In>, at::tokens(),
                       parameters_of<typename at::blocks, typename at::sequence>,
                       parameters_of<typename at::predict, typename at::hidden>);
  }

  /// Of all targets of one image.
  template <Shape In, class Masks>
  static consteval std::size_t macs() {
    using at = stages<In, Masks>;
    return pretext::macs<typename at::embed, In> +
           Masks::targets * (pretext::macs<typename at::blocks, typename at::sequence> +
                             pretext::macs<typename at::predict, typename at::hidden>);
  }

  template <Shape In, class Masks, class Context>
  struct cache {
    using at = stages<In, Masks>;
    cache_of<typename at::embed, In, Context> embed;
    cache_of<typename at::blocks, typename at::sequence, Context> blocks;
    cache_of<typename at::predict, typename at::hidden, Context> predict;
  };

  template <class Context, Shape In, class Masks>
  static void forward(Context& context, weights<Context> w, const Masks& masks, reads<Context, In> x,
                      writes<Context, output<In, Masks>> y, cache<In, Masks, Context>& cache) {
    using T = typename Context::activation;
    using W = typename Context::weight;
    using device = typename Context::device;
    using at = stages<In, Masks>;
    const auto joined = context.activations.template allocate<T, typename at::sequence>(y.batch);
    const auto transformed = context.activations.template allocate<T, typename at::sequence>(y.batch);
    const auto hidden = context.activations.template allocate<T, typename at::hidden>(y.batch);
    {
      const auto embedded = context.activations.template allocate<T, typename at::embedded>(x.batch);
      at::embed::forward(context, w, x, embedded, cache.embed);
      kernels::parallel_for<device>::run(
          context, joined.size(),
          detail::join_targets<T, W>{x.batch, Masks::visible, Width, masks.visible_patches(),
                                     masks.target_patches(), embedded.data, w.at(at::mask_token_at).value,
                                     w.at(at::positions_at).value, joined.data});
    }
    at::blocks::forward(context, w.at(at::blocks_at), reads<Context, typename at::sequence>{joined},
                        transformed, cache.blocks);
    kernels::gather_tokens<device>::forward(context, at::extents, y.batch, {Masks::per_target},
                                            static_cast<const T*>(transformed.data), hidden.data);
    at::predict::forward(context, w.at(at::predict_at), reads<Context, typename at::hidden>{hidden}, y,
                         cache.predict);
  }

  template <class Context, Shape In, class Masks>
  static void backward(Context& context, weights<Context> w, const Masks&, cache<In, Masks, Context>& cache,
                       reads<Context, output<In, Masks>> dy, writes<Context, In> dx) {
    using T = typename Context::activation;
    using device = typename Context::device;
    using at = stages<In, Masks>;
    const arena_scope guard{context.workspace};
    const std::size_t images = dy.batch / Masks::targets;
    const auto dhidden = context.workspace.template allocate<T, typename at::hidden>(dy.batch);
    const auto dtransformed = context.workspace.template allocate<T, typename at::sequence>(dy.batch);
    const auto djoined = context.workspace.template allocate<T, typename at::sequence>(dy.batch);
    const auto dembedded = context.workspace.template allocate<T, typename at::embedded>(images);
    at::predict::backward(context, w.at(at::predict_at), cache.predict, dy, dhidden);
    kernels::gather_tokens<device>::backward(context, at::extents, dy.batch, {Masks::per_target},
                                             static_cast<const T*>(dhidden.data), dtransformed.data);
    at::blocks::backward(context, w.at(at::blocks_at), cache.blocks,
                         reads<Context, typename at::sequence>{dtransformed}, djoined);
    const T* const gradient = djoined.data;
    kernels::gather_tokens<device>::forward(context, at::extents, dy.batch, {Masks::per_target}, gradient,
                                            dhidden.data);
    kernels::channel_bias<device>::sum(context, dy.batch * Masks::per_target, Width,
                                       static_cast<const T*>(dhidden.data), w.at(at::mask_token_at).gradient);
    kernels::parallel_for<device>::run(
        context, dembedded.size(),
        detail::sum_over_targets<T>{images, Masks::targets, at::embedded::size, at::sequence::size, gradient,
                                    dembedded.data});
    at::embed::backward(context, w, cache.embed, reads<Context, typename at::embedded>{dembedded}, dx);
  }
};

}  // namespace pretext::inline v0_1
