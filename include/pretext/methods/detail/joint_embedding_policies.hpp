// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/masked_feature.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/masking/concepts.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/view_rows.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// The predictor<> of methods without one: the embeddings themselves.
struct no_predictor : sequential<> {};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::detail {

/// All views of a multi_crop's first group, or two.
template <class Images>
using default_pairing = all_views<is_multi_crop<Images> ? view_groups<Images>::views_of[0] : 2>;

/// Is M a masking rule for the patches of an encoder?
template <class M, class E, class Images>
inline constexpr bool draws_masks = true;
template <class M, class E, class Images>
  requires PatchEncoder<E, Images>
inline constexpr bool draws_masks<M, E, Images> = Masking<M, patch_grid<Images, E::patch>>;

/// The policies of a joint embedding, and a sentence for each that does not fit.
template <class Images, class... Policies>
struct joint_embedding_policies {
  static_assert(
      Shape<Images> || is_multi_crop<Images>,
      "pretext::joint_embedding: its first argument is the shape of the views, shape<rows, columns, "
      "channels>, or multi_crop<crops<2, shape<...>>, crops<6, shape<...>>>.");
  static_assert(
      (is_known<Policies, pretext::encoder, pretext::projector, pretext::predictor, pretext::loss,
                pretext::target, pretext::compares, pretext::statistics, pretext::masking> &&
       ...),
      "pretext::joint_embedding: every policy after the image shape must be encoder<>, projector<>, "
      "predictor<>, loss<>, target<>, compares<>, statistics<> or masking<>.");
  using given = policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder>,
                "pretext::joint_embedding: encoder<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::projector>,
                "pretext::joint_embedding: projector<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::predictor>,
                "pretext::joint_embedding: predictor<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::loss>,
                "pretext::joint_embedding: loss<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::target>,
                "pretext::joint_embedding: target<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::compares>,
                "pretext::joint_embedding: compares<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::statistics>,
                "pretext::joint_embedding: statistics<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::masking>,
                "pretext::joint_embedding: masking<> is given twice; give it once.");

  using encoder = typename given::template pick<pretext::encoder, void>;
  using projector = typename given::template pick<pretext::projector, void>;
  using predictor = typename given::template pick<pretext::predictor, no_predictor>;
  using loss_type = typename given::template pick<pretext::loss, void>;
  using target_type = typename given::template pick<pretext::target, shared_weights>;
  using pairing = typename given::template pick<pretext::compares, default_pairing<Images>>;
  using statistics = typename given::template pick<pretext::statistics, joint_statistics>;
  using masking_type = typename given::template pick<pretext::masking, no_masking>;
  static_assert(!std::is_void_v<encoder>, "pretext::joint_embedding: say which encoder<> to train.");
  static_assert(!std::is_void_v<projector>,
                "pretext::joint_embedding: say which projector<> follows the encoder.");
  static_assert(!std::is_void_v<loss_type>, "pretext::joint_embedding: say which loss<> compares the views.");
  static_assert(Target<target_type>,
                "pretext::joint_embedding: the target<> must be shared_weights, stop_gradient, ema or a type "
                "with a member momentum.");
  static_assert(
      ViewPairing<pairing>,
      "pretext::joint_embedding: the compares<> must be all_views<N>, with N at least 2, or one_way.");
  static_assert(std::same_as<statistics, joint_statistics> || std::same_as<statistics, per_view_statistics> ||
                    std::same_as<statistics, per_size_statistics>,
                "pretext::joint_embedding: the statistics<> must be joint_statistics, per_view_statistics or "
                "per_size_statistics.");

  using groups = view_groups<Images, pairing::views>;
  static_assert(pairing::views == groups::views_of[0],
                "pretext::joint_embedding: the first group of the multi_crop<> must have as many views as "
                "the compares<> tells apart, two for one_way.");
  using images = typename groups::images;
  static_assert(!is_channels_first<images>,
                "pretext::joint_embedding: image shapes are shape<rows, columns, channels>, channels last.");

  static constexpr bool has_ema = MovingTarget<target_type>;
  static constexpr bool has_any_target = has_ema || std::same_as<target_type, stop_gradient>;
  static constexpr bool has_predictor = !std::same_as<predictor, no_predictor>;
  static constexpr bool is_one_way = pairing::online != pairing::views;
  static constexpr bool has_masking = !std::same_as<masking_type, no_masking>;
  static_assert(
      !is_one_way || has_ema,
      "pretext::joint_embedding: with compares<one_way> a target<> of its own embeds the second view; "
      "add target<ema>.");
  static_assert(
      std::is_void_v<loss_type> || has_any_target || JointLoss<loss_type> ||
          (BatchLoss<loss_type> && !compares_with_target<loss_type>),
      "pretext::joint_embedding: without a target<> the loss<> compares the views with one another: "
      "it must be a JointLoss such as nt_xent, a template callable as (context, z, dz) that returns "
      "Context::loss_value, or a BatchLoss of no target; for a PredictiveLoss add target<ema>.");
  static_assert(std::is_void_v<loss_type> || !has_any_target || PredictiveLoss<loss_type> ||
                    (BatchLoss<loss_type> && compares_with_target<loss_type>),
                "pretext::joint_embedding: with a target<> the loss<> compares predictions with the target's "
                "embeddings: it must be a PredictiveLoss such as cosine_regression, a template callable as "
                "(context, p, target, dp) that returns Context::loss_value, or a BatchLoss with a target.");

  static_assert(
      std::is_void_v<encoder> || Encoder<encoder, images>,
      "pretext::joint_embedding: the encoder<> must be an Encoder, a network from the images' shape to "
      "a feature shape<D>.");
  static_assert(!Encoder<encoder, images> || view_rows<groups>::template have_one_table<encoder>(
                                                 typename view_rows<groups>::indices{}),
                "pretext::joint_embedding: the encoder<> has other parameters for the local views than for "
                "the global ones; a ViT needs a recipe with the grid of its positions.");
  static_assert(
      !has_masking || (PatchEncoder<encoder, images> && feature_is_class_token<encoder>),
      "pretext::joint_embedding: with a masking<> the encoder<> must be a PatchEncoder whose feature is "
      "its class token, such as vit with the recipe msn_pretraining.");
  static_assert(!has_masking || draws_masks<masking_type, encoder, images>,
                "pretext::joint_embedding: the masking<> must be a Masking such as random_masking<>.");
  static_assert(
      std::is_void_v<projector> || !Encoder<encoder, images> || HeadOf<projector, encoder, images>,
      "pretext::joint_embedding: the projector<> must be a Head, a network from the feature shape<D> to "
      "an embedding shape<D>.");

  struct trunk : sequential<named<"backbone", encoder>, named<"projection_head", projector>> {};
  static_assert(
      !has_predictor || !Encoder<trunk, images> || HeadOf<predictor, trunk, images>,
      "pretext::joint_embedding: the predictor<> must be a Head, a network from the embedding shape<D> "
      "to a prediction shape<D>.");
  struct online
      : std::conditional_t<has_predictor,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>,
                                      named<"prediction_head", predictor>>,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>>> {};
  using embedding = output_of<trunk, images>;
  using prediction = output_of<online, images>;
  static_assert(
      !has_any_target || !PredictiveLoss<loss_type> || std::same_as<embedding, prediction>,
      "pretext::joint_embedding: the predictor<> must have as many outputs as the projector<>, because "
      "the loss<> compares them with the target's.");
};

}  // namespace pretext::inline v0_1::detail
