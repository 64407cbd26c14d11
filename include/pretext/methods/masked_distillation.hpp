// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>

#include <pretext/core/concepts.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/kernels/parallel_for.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/losses/loss_batch.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/masked_distillation_policies.hpp>
#include <pretext/methods/detail/move_target.hpp>
#include <pretext/methods/detail/split_tokens.hpp>
#include <pretext/methods/detail/token_batches.hpp>
#include <pretext/methods/detail/view_rows.hpp>
#include <pretext/methods/detail/whole_batch.hpp>

namespace pretext::inline v0_1 {

/// Self-distillation of views and of masked patches: as in a joint embedding a student's class tokens of all
/// views are compared with those of its moving average, which sees the global views; besides, patches of the
/// global views are masked for the student, and its scores of them are compared with the teacher's of the
/// same patches, which sees whole views. iBOT and DINOv2 are choices of its policies encoder<>, projector<>,
/// masking<>, loss<> and target<>. `Images` is the shape of two views, or a `multi_crop`, whose first group
/// is masked. The heads compute scores of all patches of the global views, whatever number is masked.
template <class Images, class... Policies>
class masked_distillation {
  using chosen = detail::masked_distillation_policies<Images, Policies...>;
  using groups = typename chosen::groups;
  using view_rows = detail::view_rows<groups>;
  using network = typename chosen::network;
  using class_head = typename chosen::heads::class_tokens;
  using patch_head = typename chosen::heads::patch_tokens;

 public:
  using images = typename groups::images;  ///< the shape of the global views
  using view_shapes = Images;              ///< of all views: `images`, or a multi_crop
  using encoder = typename chosen::encoder;
  using projector = typename chosen::projector;
  using masking_type = typename chosen::masking_type;
  using loss_type = typename chosen::loss_type;
  using target_type = typename chosen::target_type;
  using grid = typename chosen::grid;
  using tokens = typename network::output;
  using feature = output_of<encoder, images>;
  using embedding = output_of<class_head, feature>;     ///< the scores of a class token
  using patch_scores = output_of<patch_head, feature>;  ///< of a patch

  static constexpr std::size_t views = groups::views, embedded_views = views;
  static constexpr std::size_t global_views = groups::views_of[0];  ///< which the target sees
  static constexpr bool has_target = true;
  static constexpr bool moves_target_first = std::derived_from<target_type, ema_before_step>;

  static constexpr auto trunk_table = chosen::trunk_table();  ///< encoder and heads
  /// The token of masked patches comes last, so that the target's parameters are the first ones.
  static constexpr auto parameters =
      concatenate(trunk_table, prefixed("backbone", network::token_parameters()));
  static constexpr std::size_t size = parameter_count(parameters);
  static constexpr std::size_t encoder_size = weight_count<encoder, images>;
  static constexpr std::size_t trunk_size = parameter_count(trunk_table);
  static constexpr std::size_t target_size = trunk_size;

  /// Parameters, gradients and caches of a training; the views into its buffers last until the next step.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    using device = typename Context::device;
    template <class Global, class... S>
    using local_caches = std::tuple<cache_of<encoder, S, Context>...>;
    buffer<W, device> value{size}, gradient{size}, target_values{target_size};
    kernels::parameter_chunks<device> target_chunks{std::span<const parameter>{trunk_table}};
    typename network::template cache<Context> global_cache;
    typename groups::template apply<local_caches> local_cache;
    cache_of<class_head, feature, Context> class_cache, target_class_cache;
    cache_of<patch_head, feature, Context> patch_cache, target_patch_cache;
    typename loss_type::template state<Context, embedding, patch_scores> loss_state;
    patch_flags<grid> masked;      ///< the last batch's masks, of the global views
    writes<Context, feature> h;    ///< its class tokens
    writes<Context, embedding> z;  ///< their scores
  };

  masking_type masking{};
  loss_type loss{};
  target_type target{};

  friend bool operator==(const masked_distillation&, const masked_distillation&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { masking.check(); }) masking.check();
    loss.check();
    if constexpr (requires { target.check(); }) target.check();
  }

  /// Gives what the losses remember between steps its initial values.
  template <class Context>
  void start(Context& context, memory<Context>& m, std::uint64_t seed) const {
    m.loss_state.start(context, loss, seed);
  }

  /// Loss of one batch of stacked views, view 1 of all images first; adds its gradient to the memory's. With
  /// a communicator these are a shard's views: the loss is that of the whole batch, the gradient the shard's
  /// part. Throws std::invalid_argument if there are not as many views of each image, and as the masking
  /// does.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m,
                                     const stacked_views<Context, Images>& batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    context.activations.reset();
    const std::size_t n = view_rows::images_of("masked_distillation", batch), rows = views * n,
                      global = global_views * n, patches = global * grid::patches;
    begin_step<class_head, feature>(context, m.value.data() + encoder_size);
    begin_step<patch_head, feature>(context, m.value.data() + encoder_size);
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    const auto heads = w.at(encoder_size), token = w.at(trunk_size);
    if constexpr (moves_target_first) detail::move_target(context, m, step.target_momentum);
    m.masked = masking.template draw<grid>(context, global);
    const auto wanted = target_forward(context, m, groups::template group<0>(batch));

    const outputs<Context> student{context, rows, patches}, slope{context, rows, patches};
    m.h = student.h, m.z = student.scores;
    const auto embed = [&]<std::size_t Group>(group_at<Group>, std::size_t first, std::size_t count) {
      if constexpr (Group == 0) {
        const auto all = context.activations.template allocate<T, tokens>(count);
        network::forward(context, w, token, m.masked.masked, groups::template group<0>(batch), all,
                         m.global_cache);
        split(context, reads<Context, tokens>{all}, student);
      } else {
        encoder::forward(context, w, groups::template group<Group>(batch), student.h.part(first, count),
                         std::get<Group - 1>(m.local_cache));
      }
    };
    view_rows::for_each(n, groups::views_of, embed);
    class_head::forward(context, heads, reads<Context, feature>{student.h}, student.scores, m.class_cache);
    patch_head::forward(context, heads, reads<Context, feature>{student.patches}, student.patch_scores,
                        m.patch_cache);

    auto value = detail::whole_batch_loss(context, loss.views,
                                          loss_batch<Context, embedding>{.images = n,
                                                                         .views = views,
                                                                         .target_views = global_views,
                                                                         .p = student.scores,
                                                                         .dp = slope.scores,
                                                                         .target = wanted.scores,
                                                                         .values = step.loss},
                                          m.loss_state.views);
    value = value + detail::whole_batch_patches(
                        context, loss.patches,
                        token_batch<Context, patch_scores>{.images = global,
                                                           .tokens = grid::patches,
                                                           .masked = m.masked.masked,
                                                           .p = student.patch_scores,
                                                           .dp = slope.patch_scores,
                                                           .target = wanted.patch_scores,
                                                           .values = step.loss,
                                                           .first_value = loss_type::first_of_patches},
                        m.loss_state.patches);

    patch_head::backward(context, heads, m.patch_cache, reads<Context, patch_scores>{slope.patch_scores},
                         slope.patches);
    class_head::backward(context, heads, m.class_cache, reads<Context, embedding>{slope.scores}, slope.h);
    if constexpr (loss_type::has_features)
      value = value + detail::add_feature_loss<feature>(context, loss.features, n, views, student.h, slope.h);
    const auto embed_backward = [&]<std::size_t Group>(group_at<Group>, std::size_t first,
                                                       std::size_t count) {
      if constexpr (Group == 0) {
        const arena_scope guard{context.workspace};
        const auto all = context.workspace.template allocate<T, tokens>(count);
        kernels::parallel_for<typename Context::device>::run(
            context, all.size(), detail::join_tokens<T>{places, slope.h.data, slope.patches.data, all.data});
        network::backward(context, w, token, m.masked.masked, m.global_cache, reads<Context, tokens>{all});
      } else {
        encoder::backward(context, w, std::get<Group - 1>(m.local_cache),
                          reads<Context, feature>{slope.h.part(first, count)},
                          writes<Context, typename groups::template shape_of<Group>>{nullptr, count});
      }
    };
    view_rows::for_each(n, groups::views_of, embed_backward);
    return value;
  }

  /// Moves the target's parameters after the optimizer: target = momentum·target + (1 - momentum)·student.
  /// Does nothing if `learn` has moved it.
  template <class Context>
  void update_target(Context& context, memory<Context>& m, device_scalar<double> momentum) const {
    if constexpr (!moves_target_first) detail::move_target(context, m, momentum);
  }

  /// Changes what the losses remember between steps; after the optimizer.
  template <class Context>
  void complete_step(Context& context, memory<Context>& m) const {
    loss.commit(context, m.loss_state);
  }

 private:
  template <std::size_t Group>
  using group_at = typename view_rows::template group_at<Group>;
  static constexpr detail::token_places places{tokens::extents[0], grid::patches, feature::size};

  template <class Context>
  using outputs = detail::token_outputs<Context, feature, embedding, patch_scores>;

  template <class Context>
  static void split(Context& context, reads<Context, tokens> all, const outputs<Context>& to) {
    using T = typename Context::activation;
    kernels::parallel_for<typename Context::device>::run(
        context, all.size(), detail::split_tokens<T>{places, all.data, to.h.data, to.patches.data});
  }

  /// The target's features and scores of whole global views: heads in training mode; the encoder normalises
  /// nothing by the batch, and no path is dropped. The online network's activations reuse the memory of
  /// everything but scores.
  template <class Context>
  static outputs<Context> target_forward(Context& context, memory<Context>& m, reads<Context, images> whole) {
    using T = typename Context::activation;
    const std::size_t patches = whole.batch * grid::patches;
    const outputs<Context> wanted{context, whole.batch, patches};
    const auto before = context.activations.position();
    const auto w = network_weights(context, context.activations, trunk_size, m.target_values.data(), nullptr);
    const auto all = context.activations.template allocate<T, tokens>(whole.batch);
    network::infer(context, w, whole, all);
    split(context, reads<Context, tokens>{all}, wanted);
    class_head::forward(context, w.at(encoder_size), reads<Context, feature>{wanted.h}, wanted.scores,
                        m.target_class_cache);
    patch_head::forward(context, w.at(encoder_size), reads<Context, feature>{wanted.patches},
                        wanted.patch_scores, m.target_patch_cache);
    context.activations.rewind(before);
    return wanted;
  }
};

}  // namespace pretext::inline v0_1
