// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/flagged_network.hpp>
#include <pretext/encoders/masked/masked_feature.hpp>
#include <pretext/heads/token_heads.hpp>
#include <pretext/losses/token_losses.hpp>
#include <pretext/masking/blockwise_masking.hpp>
#include <pretext/masking/masks.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/view_rows.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1::detail {

/// A masking rule that flags any number of patches of an image.
template <class M, class Grid>
concept FlagsPatches = std::same_as<typename M::template masks<Grid>, patch_flags<Grid>>;

template <class L>
inline constexpr bool is_token_losses = requires {
  typename L::of_views;
  typename L::of_patches;
  typename L::of_features;
};

/// The policies of a masked distillation, and a sentence for each that does not fit.
template <class Images, class... Policies>
struct masked_distillation_policies {
  static_assert(
      Shape<Images> || is_multi_crop<Images>,
      "pretext::masked_distillation: its first argument is the shape of the views, shape<rows, columns, "
      "channels>, or multi_crop<crops<2, shape<...>>, crops<8, shape<...>>>.");
  static_assert((is_known<Policies, pretext::encoder, pretext::projector, pretext::masking, pretext::loss,
                          pretext::target> &&
                 ...),
                "pretext::masked_distillation: every policy after the image shape must be encoder<>, "
                "projector<>, masking<>, loss<> or target<>.");
  using given = policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder> &&
                    given::template at_most_once<pretext::projector> &&
                    given::template at_most_once<pretext::masking> &&
                    given::template at_most_once<pretext::loss> &&
                    given::template at_most_once<pretext::target>,
                "pretext::masked_distillation: a policy is given twice; give it once.");

  using encoder = typename given::template pick<pretext::encoder, void>;
  using projector = typename given::template pick<pretext::projector, void>;
  using masking_type = typename given::template pick<pretext::masking, blockwise_masking>;
  using loss_type = typename given::template pick<pretext::loss, token_losses<>>;
  using target_type = typename given::template pick<pretext::target, ema>;
  static_assert(!std::is_void_v<encoder>, "pretext::masked_distillation: say which encoder<> to train.");
  static_assert(!std::is_void_v<projector>,
                "pretext::masked_distillation: say which projector<> follows the encoder.");
  static_assert(MovingTarget<target_type>,
                "pretext::masked_distillation: the target<> must be ema or a type with a member momentum.");
  static_assert(is_token_losses<loss_type>,
                "pretext::masked_distillation: the loss<> compares class tokens and patches: it must be a "
                "token_losses<> such as token_losses<self_distillation, patch_distillation>.");

  using groups = view_groups<Images, 2>;
  using images = typename groups::images;
  static_assert(
      !is_channels_first<images>,
      "pretext::masked_distillation: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert(std::is_void_v<encoder> || PatchEncoder<encoder, images>,
                "pretext::masked_distillation: the encoder<> must be a PatchEncoder such as vit.");
  static_assert(
      view_rows<groups>::template have_one_table<encoder>(typename view_rows<groups>::indices{}),
      "pretext::masked_distillation: the encoder<> has other parameters for the local views than for "
      "the global ones; a ViT needs a recipe with the grid of its positions.");
  using network = flagged_network<encoder, images>;
  static_assert(network::prefix > 0 && feature_is_class_token<encoder>,
                "pretext::masked_distillation: the encoder<> has no class token, or another feature; take a "
                "recipe whose "
                "feature is the class token, such as dino_pretraining.");
  using grid = patch_grid<images, encoder::patch>;
  static_assert(FlagsPatches<masking_type, grid>,
                "pretext::masked_distillation: the masking<> must flag patches, any number of them, such as "
                "blockwise_masking, with a member masks<Grid> that is patch_flags<Grid>.");
  static_assert(
      TokenHeads<projector, output_of<encoder, images>>,
      "pretext::masked_distillation: the projector<> must be a Head such as dino_head, or have a head "
      "for class_tokens and one for patch_tokens, such as ibot_head and separate_heads.");
  using heads = token_heads<projector>;

  /// Encoder and heads.
  static consteval auto trunk_table() {
    constexpr auto of_heads = [] {
      constexpr auto table = with_offsets(heads::template parameters<output_of<encoder, images>>());
      if constexpr (requires { projector::are_modules; })
        return table;
      else
        return prefixed("projection_head", table);
    }();
    return concatenate(prefixed("backbone", parameters_of<encoder, images>), of_heads);
  }
};

}  // namespace pretext::inline v0_1::detail
