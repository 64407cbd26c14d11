// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/context.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/composition.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/koleo.hpp>
#include <pretext/losses/patch_distillation.hpp>
#include <pretext/losses/self_distillation.hpp>

namespace pretext::inline v0_1 {

/// No loss of features, the third part of `token_losses`.
struct no_feature_loss {
  friend bool operator==(const no_feature_loss&, const no_feature_loss&) = default;
};

/// The sum of a loss of views, which compares the scores of class tokens, one of masked patches, which
/// compares scores of patch tokens, and one of the class tokens' features, if any: iBOT's and DINOv2's
/// losses. Scheduled are the values of the first, then those of the second.
template <class Views = self_distillation, class Patches = patch_distillation,
          class Features = no_feature_loss>
struct token_losses {
  using of_views = Views;
  using of_patches = Patches;
  using of_features = Features;
  static constexpr bool has_features = !std::same_as<Features, no_feature_loss>;
  static constexpr auto scheduled =
      detail::joined_names(detail::scheduled_of<Views>, detail::scheduled_of<Patches>);
  /// The slot of the first scheduled value of patches.
  static constexpr std::size_t first_of_patches = detail::scheduled_of<Views>.size();
  static_assert(BatchLoss<Views> && detail::compares_with_target<Views>,
                "pretext::token_losses: the loss of views must be a BatchLoss with a target such as "
                "self_distillation.");
  static_assert(
      !has_features || JointLoss<Features> ||
          (BatchLoss<Features> && !detail::compares_with_target<Features>),
      "pretext::token_losses: the loss of features must be a JointLoss, or a BatchLoss of no target "
      "such as koleo.");

  Views views{};
  Patches patches{};
  [[no_unique_address]] Features features{};

  friend bool operator==(const token_losses&, const token_losses&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { views.check(); }) views.check();
    if constexpr (requires { patches.check(); }) patches.check();
    if constexpr (requires { features.check(); }) features.check();
  }

  /// The states of the losses of views and patches, for scores shaped Scores and PatchScores.
  template <class Context, Shape Scores, Shape PatchScores>
  struct state {
    loss_state_of<Views, Context, Scores> views{};
    loss_state_of<Patches, Context, PatchScores> patches{};

    void start(Context& context, const token_losses& losses, std::uint64_t seed) {
      views.start(context, losses.views, seed);
      patches.start(context, losses.patches, seed ^ 0x5851F42D4C957F2D);
    }
    template <class Visitor>
    void for_each_buffer(Visitor&& visit) {
      views.for_each_buffer(visit);
      patches.for_each_buffer(visit);
    }
  };

  /// Changes what the losses remember; after the optimizer.
  template <class Context, class State>
  void commit(Context& context, State& of_both) const {
    commit_loss(context, views, of_both.views);
    commit_loss(context, patches, of_both.patches);
  }
};

/// The losses of DINOv2 (Oquab et al. 2024, official code): Sinkhorn & Knopp's algorithm in place of centres,
/// and a tenth of KoLeo of the class tokens.
struct dinov2_losses : token_losses<self_distillation, patch_distillation, weighted_loss<koleo>> {
  constexpr dinov2_losses() {
    views.centering = patches.centering = teacher_centering::sinkhorn;
    features.weight = 0.1;
  }
  friend bool operator==(const dinov2_losses&, const dinov2_losses&) = default;
};

}  // namespace pretext::inline v0_1
