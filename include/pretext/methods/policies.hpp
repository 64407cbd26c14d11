// SPDX-License-Identifier: MIT
#pragma once
// A method is spelled as a list of policies, `joint_embedding<Images, encoder<E>, projector<P>, loss<L>>`, in
// any order; policies that are left out have the method's defaults. Each policy wraps the type that it
// stands for, so that the list needs no positions.
#include <cstddef>

#include <pretext/core/expects.hpp>

namespace pretext::inline v0_1 {

/// The network that is trained for its feature: an `Encoder` of the method's images.
template <class E>
struct encoder {
  using type = E;
};
/// The head between the feature and the embedding that a loss compares: a `Head`.
template <class H>
struct projector {
  using type = H;
};
/// The head that predicts a target's embedding from the online network's: a `Head`.
template <class H>
struct predictor {
  using type = H;
};
/// A trained network whose features another one learns, and which stays as it is: an `Encoder` of the
/// method's images.
template <class E>
struct teacher {
  using type = E;
};
/// The head from the feature to the logits: a `Head`.
template <class H>
struct classifier {
  using type = H;
};
/// What is minimised: a `JointLoss`, `PredictiveLoss`, `BatchLoss`, `ClassificationLoss` or `MaskedLoss`, by
/// the method.
template <class L>
struct loss {
  using type = L;
};
/// The network that a view is compared with: `shared_weights`, `stop_gradient`, or a `MovingTarget`, `ema` or
/// `ema_before_step`.
template <class T>
struct target {
  using type = T;
};
/// Which network sees which views of an image, of those of the first group with a multi_crop: `all_views<N>`
/// or `one_way`.
template <class V>
struct compares {
  using type = V;
};
/// The views that batch norm normalises together: `joint_statistics`, `per_view_statistics` or
/// `per_size_statistics`.
template <class S>
struct statistics {
  using type = S;
};
/// The rule that masks patches: a `Masking` such as `random_masking<>`.
template <class M>
struct masking {
  using type = M;
};
/// How the encoder treats masked patches: a `MaskMode`, `drop_masked` or `mask_tokens`.
template <class M>
struct mask_mode {
  using type = M;
};
/// The network from the encoder's tokens to predictions of the masked patches: a `Decoder`.
template <class D>
struct decoder {
  using type = D;
};

/// A target<>: the views are compared with one another, through one network with gradients for both.
struct shared_weights {
  friend bool operator==(const shared_weights&, const shared_weights&) = default;
};
/// A target<>: the embeddings of the same network and step, before the predictor and without gradient (Chen &
/// He 2021).
struct stop_gradient {
  friend bool operator==(const stop_gradient&, const stop_gradient&) = default;
};
/// A target<>: an exponential moving average of encoder and projector, without gradient (Grill et al. 2020).
struct ema {
  double momentum = 0.996;  ///< the fraction of its old value that it retains in a step that names none

  friend bool operator==(const ema&, const ema&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    expects(0 <= momentum && momentum <= 1, "ema: momentum ", momentum, " must be in [0, 1]");
  }
};

/// The same, but it moves at the start of a step, with that step's momentum, before it embeds the views: MoCo
/// v2, MoCo v3 and lightly. A step whose loss is NaN or infinite has then moved the target.
struct ema_before_step : ema {
  friend bool operator==(const ema_before_step&, const ema_before_step&) = default;
};

/// A compares<>: N views of every image, the default with 2 of them or all of a multi_crop's first group; the
/// online network and the target see all of them.
template <std::size_t N = 2>
struct all_views {
  static constexpr std::size_t views = N, online = N, first_of_target = 0, of_target = N;
};
/// A compares<>: two views of every image; the online network sees the first, the target the second (He et
/// al. 2020). It takes half the work of `all_views<2>`. The online network also sees a multi_crop's local
/// views.
struct one_way {
  static constexpr std::size_t views = 2, online = 1, first_of_target = 1, of_target = 1;
};

/// A statistics<>: batch norm normalises all views together, as SimCLR does; in an encoder, those of one
/// size.
struct joint_statistics {};
/// A statistics<>: batch norm normalises each view separately, as one forward pass per view does in BYOL.
struct per_view_statistics {};
/// A statistics<>: batch norm normalises the views of one size together in the projector, too, as MSN does.
struct per_size_statistics {};

/// The masking<> of a joint embedding whose networks see whole views.
struct no_masking {
  friend bool operator==(const no_masking&, const no_masking&) = default;
};

namespace detail {

template <template <class> class Policy, class P>
inline constexpr bool is_policy = false;
template <template <class> class Policy, class T>
inline constexpr bool is_policy<Policy, Policy<T>> = true;

/// The type in the first Policy<> of a list, or else Default.
template <template <class> class Policy, class Default, class... Given>
struct pick_policy {
  using type = Default;
};
template <template <class> class Policy, class Default, class First, class... Rest>
struct pick_policy<Policy, Default, First, Rest...> : pick_policy<Policy, Default, Rest...> {};
template <template <class> class Policy, class Default, class T, class... Rest>
struct pick_policy<Policy, Default, Policy<T>, Rest...> {
  using type = T;
};

/// The policies that a method was given.
template <class... Given>
struct policies {
  /// The type in Policy<>, or Default where that policy was left out.
  template <template <class> class Policy, class Default>
  using pick = typename pick_policy<Policy, Default, Given...>::type;

  template <template <class> class Policy>
  static constexpr bool has = (is_policy<Policy, Given> || ...);

  template <template <class> class Policy>
  static constexpr bool at_most_once = (std::size_t{is_policy<Policy, Given>} + ... + 0) <= 1;
};

/// Is P one of the policies that a method knows?
template <class P, template <class> class... Known>
inline constexpr bool is_known = (is_policy<Known, P> || ...);

}  // namespace detail
}  // namespace pretext::inline v0_1
