// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// The predictor<> of methods without one: the embeddings themselves.
struct no_predictor : sequential<> {};

}  // namespace pretext::inline v0_1

namespace pretext::inline v0_1::detail {

/// The policies of a joint embedding, and a sentence for each that does not fit.
template <class Images, class... Policies>
struct joint_embedding_policies {
  static_assert(
      Shape<Images> || is_multi_crop<Images>,
      "pretext::joint_embedding: its first argument is the shape of the views, shape<rows, columns, "
      "channels>, or multi_crop<crops<2, shape<...>>, crops<6, shape<...>>>.");
  static_assert(
      (is_known<Policies, pretext::encoder, pretext::projector, pretext::predictor, pretext::loss,
                pretext::target, pretext::compares, pretext::statistics> &&
       ...),
      "pretext::joint_embedding: every policy after the image shape must be encoder<>, projector<>, "
      "predictor<>, loss<>, target<>, compares<> or statistics<>.");
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

  using encoder = typename given::template pick<pretext::encoder, void>;
  using projector = typename given::template pick<pretext::projector, void>;
  using predictor = typename given::template pick<pretext::predictor, no_predictor>;
  using loss_type = typename given::template pick<pretext::loss, void>;
  using target_type = typename given::template pick<pretext::target, shared_weights>;
  using pairing = typename given::template pick<pretext::compares, all_views<2>>;
  using statistics = typename given::template pick<pretext::statistics, joint_statistics>;
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
  static_assert(!is_multi_crop<Images> || !given::template has<pretext::compares>,
                "pretext::joint_embedding: multi_crop<> says which views there are; leave compares<> out.");
  static_assert(std::same_as<statistics, joint_statistics> || std::same_as<statistics, per_view_statistics>,
                "pretext::joint_embedding: the statistics<> must be joint_statistics or "
                "per_view_statistics.");

  using groups = view_groups<Images, pairing::views>;
  using images = typename groups::images;
  static_assert(!is_channels_first<images>,
                "pretext::joint_embedding: image shapes are shape<rows, columns, channels>, channels last.");

  static constexpr bool has_ema = MovingTarget<target_type>;
  static constexpr bool has_any_target = has_ema || std::same_as<target_type, stop_gradient>;
  static constexpr bool has_predictor = !std::same_as<predictor, no_predictor>;
  static constexpr bool is_one_way = !is_multi_crop<Images> && pairing::online != pairing::views;
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
