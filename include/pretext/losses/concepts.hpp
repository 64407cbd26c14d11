// SPDX-License-Identifier: MIT
#pragma once
// What methods require of their losses. The concepts call a loss in a context that has no kernels, so they
// check its signature and nothing else: a loss is a template over the context that names its return type,
// `typename Context::loss_value`. Activations and weights have different types there, because they may have
// different types on a device, too.
#include <concepts>
#include <cstddef>

#include <pretext/core/context.hpp>
#include <pretext/losses/loss_batch.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// A device without kernels, for checking signatures.
struct no_device {
  static constexpr bool stores_compute_type = true;
  struct stream {};
  template <class T>
  static T* allocate(std::size_t) {
    return nullptr;
  }
  template <class T>
  static void release(T*) {}
  template <class T>
  static void write(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void read(const stream&, T*, const T*, std::size_t) {}
  template <class T>
  static void clear(const stream&, T*, std::size_t) {}
};
using no_context = on<no_device, bf16>;
using some_rows = shape<1>;
using some_patches = shape<1, 1>;
using some_images = shape<2, 1, 1>;
using some_masks = masks<patch_grid<some_images, 1>, 1>;
using some_batch = loss_batch<no_context, some_rows>;
template <class L>
using some_state = loss_state_of<L, no_context, some_rows>;

/// Does L tell by `compares_with_target` that it compares predictions with a target's embeddings?
template <class L>
inline constexpr bool compares_with_target = false;
template <class L>
  requires requires {
    { L::compares_with_target } -> std::convertible_to<bool>;
  }
inline constexpr bool compares_with_target<L> = L::compares_with_target;
}  // namespace detail

/// Compares embeddings with one another: (context, z, dz). Returns its value as `Context::loss_value` and
/// adds its gradient to dz. Losses of embeddings get those of the whole batch, also if it is cut into shards.
template <class L>
concept JointLoss = requires(const L& loss, detail::no_context& context,
                             reads<detail::no_context, detail::some_rows> z,
                             writes<detail::no_context, detail::some_rows> dz) {
  { loss(context, z, dz) } -> std::same_as<double>;
};

/// Compares predictions with a target network's embeddings: (context, p, target, dp). Returns its value as
/// `Context::loss_value` and adds its gradient to dp.
template <class L>
concept PredictiveLoss = requires(const L& loss, detail::no_context& context,
                                  reads<detail::no_context, detail::some_rows> p,
                                  writes<detail::no_context, detail::some_rows> dp) {
  { loss(context, p, p, dp) } -> std::same_as<double>;
};

/// Compares the rows of a described batch (losses/loss_batch.hpp): (context, batch), or (context, batch,
/// state) if it remembers something between steps. Returns its value as `Context::loss_value` and adds its
/// gradient to batch.dp. Its `static constexpr bool compares_with_target` tells whether it reads
/// batch.target.
template <class L>
concept BatchLoss = requires(const L& loss, detail::no_context& context, const detail::some_batch& batch,
                             detail::some_state<L>& state) {
  { L::compares_with_target } -> std::convertible_to<bool>;
  requires requires {
    { loss(context, batch) } -> std::same_as<double>;
  } || requires {
    { loss(context, batch, state) } -> std::same_as<double>;
    loss.commit(context, state);
  };
};

/// Compares logits with soft targets, the probabilities of the classes: (context, logits, targets, dlogits).
/// Returns its value as `Context::loss_value` and adds its gradient to dlogits. If the batch is cut into
/// shards, both are this shard's share of a sum over the shards: a mean divides by the rows of all
/// `shards_of(context)` of them.
template <class L>
concept ClassificationLoss =
    requires(const L& loss, detail::no_context& context, reads<detail::no_context, detail::some_rows> logits,
             tensor_view<const detail::no_context::weight, detail::some_rows> soft_targets,
             writes<detail::no_context, detail::some_rows> dlogits) {
  { loss(context, logits, soft_targets, dlogits) } -> std::same_as<double>;
};

/// Compares predicted patches with the masked ones of images: (context, prediction, images, masks,
/// dprediction). Returns its value as `Context::loss_value` and adds its gradient to dprediction, both of
/// them this shard's share as for a ClassificationLoss.
template <class L>
concept MaskedLoss = requires(const L& loss, detail::no_context& context,
                              reads<detail::no_context, detail::some_patches> p,
                              reads<detail::no_context, detail::some_images> images,
                              const detail::some_masks& masked,
                              writes<detail::no_context, detail::some_patches> dp) {
  { loss(context, p, images, masked, dp) } -> std::same_as<double>;
};

/// Any loss: these can be added and weighted (losses/composition.hpp).
template <class L>
concept Loss = JointLoss<L> || PredictiveLoss<L> || BatchLoss<L> || ClassificationLoss<L> || MaskedLoss<L>;

}  // namespace pretext::inline v0_1
