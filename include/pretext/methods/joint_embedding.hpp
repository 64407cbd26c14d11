// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// The predictor<> of methods without one: the embeddings themselves.
struct no_predictor : sequential<> {};

/// Two views of every image are embedded and compared: SimCLR, BYOL and methods like them are choices of its
/// policies encoder<>, projector<>, predictor<>, loss<>, target<> and statistics<>.
template <Shape Images, class... Policies>
class joint_embedding {
  static_assert(!detail::is_channels_first<Images>,
                "pretext::joint_embedding: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert(
      (detail::is_known<Policies, pretext::encoder, pretext::projector, pretext::predictor, pretext::loss,
                        pretext::target, pretext::statistics> &&
       ...),
      "pretext::joint_embedding: every policy after the image shape must be encoder<>, projector<>, "
      "predictor<>, loss<>, target<> or statistics<>.");
  using given = detail::policies<Policies...>;
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
  static_assert(given::template at_most_once<pretext::statistics>,
                "pretext::joint_embedding: statistics<> is given twice; give it once.");

 public:
  using images = Images;
  using encoder = typename given::template pick<pretext::encoder, void>;
  using projector = typename given::template pick<pretext::projector, void>;
  using predictor = typename given::template pick<pretext::predictor, no_predictor>;
  using loss_type = typename given::template pick<pretext::loss, void>;
  using target_type = typename given::template pick<pretext::target, shared_weights>;
  using statistics = typename given::template pick<pretext::statistics, joint_statistics>;
  static_assert(!std::is_void_v<encoder>, "pretext::joint_embedding: say which encoder<> to train.");
  static_assert(!std::is_void_v<projector>,
                "pretext::joint_embedding: say which projector<> follows the encoder.");
  static_assert(!std::is_void_v<loss_type>, "pretext::joint_embedding: say which loss<> compares the views.");
  static_assert(Target<target_type>,
                "pretext::joint_embedding: the target<> must be shared_weights, ema or a type with a member "
                "momentum.");
  static_assert(std::same_as<statistics, joint_statistics> || std::same_as<statistics, per_view_statistics>,
                "pretext::joint_embedding: the statistics<> must be joint_statistics or "
                "per_view_statistics.");

  static constexpr std::size_t views = 2;
  static constexpr bool has_target = MovingTarget<target_type>;
  static constexpr bool moves_target_first = std::derived_from<target_type, ema_before_step>;
  static constexpr bool has_predictor = !std::same_as<predictor, no_predictor>;
  static_assert(
      std::is_void_v<loss_type> || has_target || JointLoss<loss_type>,
      "pretext::joint_embedding: without a target<> the loss<> compares the views with one another: "
      "it must be a JointLoss such as nt_xent, a template callable as (context, z, dz) that returns "
      "Context::loss_value; for a PredictiveLoss add target<ema>.");
  static_assert(std::is_void_v<loss_type> || !has_target || PredictiveLoss<loss_type>,
                "pretext::joint_embedding: with a target<> the loss<> compares predictions with the target's "
                "embeddings: it must be a PredictiveLoss such as cosine_regression, a template callable as "
                "(context, p, target, dp) that returns Context::loss_value.");

  static_assert(
      std::is_void_v<encoder> || Encoder<encoder, Images>,
      "pretext::joint_embedding: the encoder<> must be an Encoder, a network from the images' shape to "
      "a feature shape<D>.");

  static_assert(
      std::is_void_v<projector> || !Encoder<encoder, Images> || HeadOf<projector, encoder, Images>,
      "pretext::joint_embedding: the projector<> must be a Head, a network from the feature shape<D> to "
      "an embedding shape<D>.");

  struct trunk : sequential<named<"backbone", encoder>, named<"projection_head", projector>> {};
  static_assert(
      !has_predictor || !Encoder<trunk, Images> || HeadOf<predictor, trunk, Images>,
      "pretext::joint_embedding: the predictor<> must be a Head, a network from the embedding shape<D> "
      "to a prediction shape<D>.");
  struct online
      : std::conditional_t<has_predictor,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>,
                                      named<"prediction_head", predictor>>,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>>> {};
  using feature = output_of<encoder, Images>;
  using embedding = output_of<trunk, Images>;
  using prediction = output_of<online, Images>;
  static_assert(
      !has_target || std::same_as<embedding, prediction>,
      "pretext::joint_embedding: the predictor<> must have as many outputs as the projector<>, because "
      "the loss<> compares them with the target's.");

  static constexpr auto parameters = parameters_of<online, Images>;
  static constexpr std::size_t size = weight_count<online, Images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = weight_count<trunk, Images>;
  static constexpr std::size_t target_size = has_target ? trunk_size : 0;

  /// Parameters, gradients and caches of a training.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    buffer<W, typename Context::device> value{size}, gradient{size}, target_values{target_size};
    kernels::parameter_chunks<typename Context::device> target_chunks{online_chunks()};
    cache_of<trunk, Images, Context> cache, target_cache;
    cache_of<predictor, embedding, Context> predictor_cache;
    writes<Context, embedding> z;  ///< the last batch's embeddings, until the next step
  };

  loss_type loss{};
  target_type target{};

  friend bool operator==(const joint_embedding&, const joint_embedding&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { loss.check(); }) loss.check();
    if constexpr (requires { target.check(); }) target.check();
  }

  /// Loss of one batch of stacked views (2n, …), view 1 first; adds its gradient to the memory's. With a
  /// communicator these are a shard's views: the loss is that of the whole batch, the gradient the shard's
  /// part.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step, std::same_as<statistics, per_view_statistics> ? views : 1};
    context.activations.reset();
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    if constexpr (moves_target_first) move_target(context, m, step.target_momentum);
    const reads<Context, embedding> target_embedding{target_forward(context, m, batch)};
    const auto compare = [&](reads<Context, prediction> q, writes<Context, prediction> dq) {
      if constexpr (has_target)
        return detail::whole_batch_loss(context, loss, views, dq, q, target_embedding);
      else
        return detail::whole_batch_loss(context, loss, views, dq, q);
    };

    m.z = context.activations.template allocate<T, embedding>(batch.batch);
    const auto dz = context.activations.template allocate<T, embedding>(batch.batch);
    const reads<Context, embedding> z{m.z};
    trunk::forward(context, w, batch, m.z, m.cache);
    typename Context::loss_value value{};
    if constexpr (has_predictor) {
      const auto q = context.activations.template allocate<T, prediction>(batch.batch);
      const auto dq = context.activations.template allocate<T, prediction>(batch.batch);
      predictor::forward(context, w.at(trunk_size), z, q, m.predictor_cache);
      value = compare(reads<Context, prediction>{q}, dq);
      predictor::backward(context, w.at(trunk_size), m.predictor_cache, reads<Context, prediction>{dq}, dz);
    } else {
      value = compare(z, dz);
    }
    trunk::backward(context, w, m.cache, reads<Context, embedding>{dz},
                    writes<Context, Images>{nullptr, batch.batch});
    return value;
  }

  /// Moves the target's parameters after the optimizer: target = momentum·target + (1 - momentum)·online. Its
  /// running statistics stay those of the target's own forward passes, as in BYOL's code. Does nothing if
  /// `learn` has moved it.
  template <class Context>
  void update_target(Context& context, memory<Context>& m,
                     device_scalar<double> momentum) const requires has_target {
    if constexpr (!moves_target_first) move_target(context, m, momentum);
  }

 private:
  template <class Context>
  static void move_target(Context& context, memory<Context>& m, device_scalar<double> momentum) {
    using W = typename Context::weight;
    kernels::optimize<typename Context::device>::ema_update(
        context, m.target_chunks, momentum, static_cast<const W*>(m.value.data()), m.target_values.data());
  }

  /// The parameters that a target has.
  static constexpr auto trunk_table = parameters_of<trunk, Images>;
  static std::span<const parameter> online_chunks() {
    return has_target ? std::span<const parameter>{trunk_table} : std::span<const parameter>{};
  }

  /// The target's embeddings of the batch, in training mode. They are computed first and need no backward
  /// pass, so the online network's activations reuse the memory.
  template <class Context>
  static writes<Context, embedding> target_forward(Context& context, memory<Context>& m,
                                                   reads<Context, Images> batch) {
    if constexpr (has_target) {
      const auto target =
          context.activations.template allocate<typename Context::activation, embedding>(batch.batch);
      const auto before = context.activations.position();
      const auto w =
          network_weights(context, context.activations, trunk_size, m.target_values.data(), nullptr);
      trunk::forward(context, w, batch, target, m.target_cache);
      context.activations.rewind(before);
      return target;
    } else {
      return {};
    }
  }
};

}  // namespace pretext::inline v0_1
