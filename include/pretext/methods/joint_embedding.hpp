// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/core/view_groups.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/losses/call_loss.hpp>
#include <pretext/losses/loss_batch.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/joint_embedding_policies.hpp>
#include <pretext/methods/detail/move_target.hpp>
#include <pretext/methods/detail/view_network.hpp>
#include <pretext/methods/detail/view_rows.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// Views of every image are embedded and compared: SimCLR, BYOL, DINO and methods like them are choices of
/// its policies encoder<>, projector<>, predictor<>, loss<>, target<>, compares<>, statistics<> and
/// masking<>. `Images` is the shape of the views, or a `multi_crop` of several shapes: the encoder then runs
/// once for each shape, the heads once for all views, and a target sees the first group alone. With a
/// masking<> the online encoder computes on the visible patches of that group's views, the target on all.
template <class Images, class... Policies>
class joint_embedding {
  using chosen = detail::joint_embedding_policies<Images, Policies...>;
  using groups = typename chosen::groups;
  using pairing = typename chosen::pairing;
  using view_rows = detail::view_rows<groups>;
  using view_network = detail::view_network<chosen, Images>;

 public:
  using images = typename groups::images;  ///< the shape of the global views
  using encoder = typename chosen::encoder;
  using projector = typename chosen::projector;
  using predictor = typename chosen::predictor;
  using loss_type = typename chosen::loss_type;
  using target_type = typename chosen::target_type;
  using statistics = typename chosen::statistics;
  using masking_type = typename chosen::masking_type;
  using trunk = typename chosen::trunk;
  using online = typename chosen::online;
  using feature = output_of<encoder, images>;
  using embedding = typename chosen::embedding;
  using prediction = typename chosen::prediction;
  using view_shapes = Images;  ///< of all views: `images`, or a multi_crop

  static constexpr std::size_t views = groups::views;  ///< of each image
  /// Views of each image that the online network embeds; `memory::z` has their embeddings.
  static constexpr std::size_t embedded_views = views - groups::views_of[0] + pairing::online;
  static constexpr bool has_target = chosen::has_ema;
  static constexpr bool moves_target_first = std::derived_from<target_type, ema_before_step>;
  static constexpr bool has_predictor = chosen::has_predictor;

  static constexpr auto parameters = parameters_of<online, images>;
  static constexpr std::size_t size = weight_count<online, images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, images>;
  static constexpr std::size_t trunk_size = weight_count<trunk, images>;
  static constexpr std::size_t target_size = has_target ? trunk_size : 0;

  /// Parameters, gradients and caches of a training.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    using device = typename Context::device;
    buffer<W, device> value{size}, gradient{size}, target_values{target_size};
    kernels::parameter_chunks<device> target_chunks{online_chunks()};
    typename view_network::template cache<Context> view_cache;
    cache_of<predictor, embedding, Context> predictor_cache;
    cache_of<trunk, images, Context> target_cache;
    loss_state_of<loss_type, Context, prediction, embedding> loss_state;
    buffer<std::int64_t, device> labels;  ///< class of each image of the next step, for losses of labels
    writes<Context, feature> h;           ///< the last batch's features, until the next step
    writes<Context, embedding> z;         ///< its embeddings, likewise
  };

  loss_type loss{};
  target_type target{};
  masking_type masking{};

  friend bool operator==(const joint_embedding&, const joint_embedding&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { loss.check(); }) loss.check();
    if constexpr (requires { target.check(); }) target.check();
    if constexpr (requires { masking.check(); }) masking.check();
  }

  /// Gives what the loss remembers between steps its initial values.
  template <class Context>
  void start(Context& context, memory<Context>& m, std::uint64_t seed) const {
    m.loss_state.start(context, loss, seed);
  }

  /// Loss of one batch of stacked views, view 1 of all images first; adds its gradient to the memory's. With
  /// a communicator these are a shard's views: the loss is that of the whole batch, the gradient the shard's
  /// part. Throws std::invalid_argument if there are not as many views of each image.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m,
                                     const stacked_views<Context, Images>& batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    context.activations.reset();
    const std::size_t n = view_rows::images_of("joint_embedding", batch), rows = embedded_views * n;
    begin_step<online, images>(context, m.value.data());
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    if constexpr (moves_target_first) detail::move_target(context, m, step.target_momentum);
    reads<Context, embedding> target_embedding{target_forward(context, m, batch, n)};

    const auto h = m.h = context.activations.template allocate<T, feature>(rows);
    const auto dh = context.activations.template allocate<T, feature>(rows);
    m.z = context.activations.template allocate<T, embedding>(rows);
    const auto dz = context.activations.template allocate<T, embedding>(rows);
    const reads<Context, embedding> z{m.z};
    view_network::forward(context, w, masking, batch, n, h, m.z, m.view_cache);
    if constexpr (std::same_as<target_type, stop_gradient>) target_embedding = z;

    const auto compare = [&](reads<Context, prediction> p, writes<Context, prediction> dp) {
      const auto predictor_weights = w.at(trunk_size);
      const loss_batch<Context, prediction, embedding> compared{
          .images = n,
          .views = embedded_views,
          .target_views = target_views,
          .first_target_view = first_target_view,
          .p = p,
          .dp = dp,
          .target = target_embedding,
          .labels = m.labels.size() < n ? nullptr : m.labels.data(),
          .values = step.loss,
          .predictor = &predictor_weights,
          .run_predictor = &run_predictor<Context>};
      return detail::whole_batch_loss(context, loss, compared, m.loss_state);
    };
    typename Context::loss_value value{};
    if constexpr (has_predictor) {
      const auto p = context.activations.template allocate<T, prediction>(rows);
      const auto dp = context.activations.template allocate<T, prediction>(rows);
      predictor::forward(context, w.at(trunk_size), z, p, m.predictor_cache);
      value = compare(reads<Context, prediction>{p}, dp);
      predictor::backward(context, w.at(trunk_size), m.predictor_cache, reads<Context, prediction>{dp}, dz);
    } else {
      value = compare(z, dz);
    }
    view_network::backward(context, w, n, reads<Context, embedding>{dz}, dh, m.view_cache);
    return value;
  }

  /// Moves the target's parameters after the optimizer: target = momentum·target + (1 - momentum)·online. Its
  /// running statistics stay those of the target's own forward passes, as in BYOL's code. Does nothing if
  /// `learn` has moved it.
  template <class Context>
  void update_target(Context& context, memory<Context>& m,
                     device_scalar<double> momentum) const requires has_target {
    if constexpr (!moves_target_first) detail::move_target(context, m, momentum);
  }

  /// Changes what the loss remembers between steps; after the optimizer.
  template <class Context>
  void complete_step(Context& context, memory<Context>& m) const {
    commit_loss(context, loss, m.loss_state);
  }

 private:
  static constexpr std::size_t target_views = !chosen::has_any_target ? 0
                                              : !has_target           ? embedded_views
                                                                      : pairing::of_target;
  static constexpr std::size_t first_target_view = has_target ? pairing::first_of_target : 0;

  template <class Context>
  static void run_predictor(const void* w, Context& context, reads<Context, embedding> rows,
                            writes<Context, prediction> to) {
    if constexpr (has_predictor)
      predictor::infer(context, *static_cast<const weights<Context>*>(w), rows, to);
  }

  /// The parameters that a target has.
  static constexpr auto trunk_table = parameters_of<trunk, images>;
  static std::span<const parameter> online_chunks() {
    return has_target ? std::span<const parameter>{trunk_table} : std::span<const parameter>{};
  }

  /// The target's embeddings of its views, in training mode without dropped paths. They are computed first
  /// and need no backward pass, so the online network's activations reuse the memory.
  template <class Context>
  static writes<Context, embedding> target_forward(Context& context, memory<Context>& m,
                                                   const stacked_views<Context, Images>& batch,
                                                   std::size_t n) {
    if constexpr (has_target) {
      const auto seen = groups::template group<0>(batch).part(first_target_view * n, target_views * n);
      const auto target =
          context.activations.template allocate<typename Context::activation, embedding>(seen.batch);
      const auto before = context.activations.position();
      const auto w =
          network_weights(context, context.activations, trunk_size, m.target_values.data(), nullptr);
      const double drop_path = std::exchange(context.step.drop_path, 0);
      view_network::normalise_each_view(context, target_views);
      trunk::forward(context, w, seen, target, m.target_cache);
      context.step.drop_path = drop_path;
      context.activations.rewind(before);
      return target;
    } else {
      return {};
    }
  }
};

}  // namespace pretext::inline v0_1
