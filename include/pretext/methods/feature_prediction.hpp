// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/kernels/pooling.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/masking/concepts.hpp>
#include <pretext/masking/context_and_targets.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/move_target.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// A masking rule that chooses a context and targets on a grid.
template <class M, class Grid>
concept ChoosesTargets = requires {
  requires MaskSet<typename M::template masks<Grid>>;
  { M::template masks<Grid>::targets } -> std::convertible_to<std::size_t>;
  { M::template masks<Grid>::per_target } -> std::convertible_to<std::size_t>;
};
}  // namespace detail

/// Features of parts of an image are predicted from other parts, in the space of a moving average of the
/// encoder, which sees the whole image: I-JEPA is a choice of its policies encoder<>, predictor<>, masking<>,
/// loss<> and target<>.
template <ImageShape Images, class... Policies>
class feature_prediction {
  static_assert(
      !detail::is_channels_first<Images>,
      "pretext::feature_prediction: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert((detail::is_known<Policies, pretext::encoder, pretext::predictor, pretext::masking,
                                  pretext::loss, pretext::target> &&
                 ...),
                "pretext::feature_prediction: every policy after the image shape must be encoder<>, "
                "predictor<>, masking<>, loss<> or target<>.");
  using given = detail::policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder> &&
                    given::template at_most_once<pretext::predictor> &&
                    given::template at_most_once<pretext::masking> &&
                    given::template at_most_once<pretext::loss> &&
                    given::template at_most_once<pretext::target>,
                "pretext::feature_prediction: a policy is given twice; give it once.");

 public:
  using images = Images;
  using encoder = typename given::template pick<pretext::encoder, void>;
  using predictor = typename given::template pick<pretext::predictor, void>;
  using masking_type = typename given::template pick<pretext::masking, void>;
  using loss_type = typename given::template pick<pretext::loss, void>;
  using target_type = typename given::template pick<pretext::target, ema>;
  static_assert(!std::is_void_v<encoder>, "pretext::feature_prediction: say which encoder<> to train.");
  static_assert(!std::is_void_v<predictor>,
                "pretext::feature_prediction: say which predictor<> predicts the features.");
  static_assert(!std::is_void_v<masking_type>,
                "pretext::feature_prediction: say which masking<> chooses context and targets.");
  static_assert(BatchLoss<loss_type> && detail::compares_with_target<loss_type>,
                "pretext::feature_prediction: the loss<> compares predictions with the target's features: it "
                "must be a BatchLoss with a target such as feature_regression.");
  static_assert(
      MovingTarget<target_type> && !std::derived_from<target_type, ema_before_step>,
      "pretext::feature_prediction: the target<> must be ema or a type with a member momentum, which "
      "moves after the step.");
  static_assert(std::is_void_v<encoder> || PatchEncoder<encoder, Images>,
                "pretext::feature_prediction: the encoder<> must be a PatchEncoder, which can run on a "
                "selection of an image's patches, such as vit.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = true;

  using grid = patch_grid<Images, encoder::patch>;
  static_assert(detail::ChoosesTargets<masking_type, grid>,
                "pretext::feature_prediction: the masking<> must choose a context and targets, such as "
                "multi_block_masking<>, with a member masks<Grid>.");
  using mask = typename masking_type::template masks<grid>;
  using trunk = drop_masked::network<encoder, mask>;
  using target_network = drop_masked::network<encoder, unmasked<grid>>;
  using tokens = typename trunk::output;  ///< the encoder's output for the context
  using target_tokens = typename target_network::output;
  using feature = output_of<encoder, Images>;
  using embedding = shape<channels_of<tokens>>;                          ///< the mean of the context's tokens
  using prediction = typename predictor::template output<tokens, mask>;  ///< for one target
  static_assert(
      channels_of<prediction> == channels_of<target_tokens>,
      "pretext::feature_prediction: the predictor<> must predict features as wide as the encoder's.");

  static constexpr auto parameters =
      concatenate(trunk::parameters(), predictor::template parameters<tokens, mask>());
  static constexpr std::size_t size = parameter_count(parameters);
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = parameter_count(trunk::parameters());
  static constexpr std::size_t target_size = trunk_size;
  /// Multiply-accumulates of one image's forward pass, the target's included.
  static constexpr std::size_t macs =
      trunk::macs + target_network::macs + predictor::template macs<tokens, mask>();

  /// Parameters, gradients and caches of a training; the views into its buffers last until the next step.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    using device = typename Context::device;
    buffer<W, device> value{size}, gradient{size}, target_values{target_size};
    kernels::parameter_chunks<device> target_chunks{std::span<const parameter>{target_table}};
    typename trunk::template cache<Context> trunk_cache;
    typename predictor::template cache<tokens, mask, Context> predictor_cache;
    loss_state_of<loss_type, Context, prediction> loss_state;
    mask masked;                            ///< the last batch's context and targets
    writes<Context, prediction> predicted;  ///< (targets·n), target 1 of all images first
    writes<Context, prediction> wanted;     ///< the target's features of the same patches
    writes<Context, embedding> z;
  };

  masking_type masking{};
  loss_type loss{};
  target_type target{};

  friend bool operator==(const feature_prediction&, const feature_prediction&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { masking.check(); }) masking.check();
    if constexpr (requires { loss.check(); }) loss.check();
    if constexpr (requires { target.check(); }) target.check();
  }

  /// Gives what the loss remembers between steps its initial values.
  template <class Context>
  void start(Context& context, memory<Context>& m, std::uint64_t seed) const {
    m.loss_state.start(context, loss, seed);
  }

  /// Loss of one batch (n, H, W, C); adds its gradient to the memory's. With a communicator this is a shard's
  /// batch: the loss is that of the whole batch, the gradient the shard's part.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    context.activations.reset();
    const std::size_t n = batch.batch, rows = mask::targets * n;
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    m.masked = masking.template draw<grid>(context, n);
    m.wanted = context.activations.template allocate<T, prediction>(rows);
    m.predicted = context.activations.template allocate<T, prediction>(rows);
    m.z = context.activations.template allocate<T, embedding>(n);
    const auto visible = context.activations.template allocate<T, tokens>(n);
    const auto dpredicted = context.activations.template allocate<T, prediction>(rows);
    compute_target(context, m, batch);

    trunk::forward(context, w, m.masked, batch, visible, m.trunk_cache);
    predictor::forward(context, w.at(trunk_size), m.masked, reads<Context, tokens>{visible}, m.predicted,
                       m.predictor_cache);
    kernels::average_pool<typename Context::device>::forward(context, n, position_count<tokens>,
                                                             channels_of<tokens>,
                                                             static_cast<const T*>(visible.data), m.z.data);
    // The loss sees the targets of an image as its views.
    const loss_batch<Context, prediction> compared{.images = n,
                                                   .views = mask::targets,
                                                   .target_views = mask::targets,
                                                   .p = m.predicted,
                                                   .dp = dpredicted,
                                                   .target = m.wanted,
                                                   .values = step.loss};
    const auto value = detail::whole_batch_loss(context, loss, compared, m.loss_state);

    const arena_scope guard{context.workspace};
    const auto dvisible = context.workspace.template allocate<T, tokens>(n);
    predictor::backward(context, w.at(trunk_size), m.masked, m.predictor_cache,
                        reads<Context, prediction>{dpredicted}, dvisible);
    trunk::backward(context, w, m.masked, m.trunk_cache, reads<Context, tokens>{dvisible});
    return value;
  }

  /// Moves the target after the optimizer: target = momentum·target + (1 - momentum)·encoder.
  template <class Context>
  void update_target(Context& context, memory<Context>& m, device_scalar<double> momentum) const {
    detail::move_target(context, m, momentum);
  }

  /// Changes what the loss remembers between steps; after the optimizer.
  template <class Context>
  void complete_step(Context& context, memory<Context>& m) const {
    commit_loss(context, loss, m.loss_state);
  }

 private:
  static constexpr auto target_table = trunk::parameters();

  /// The target's features of the patches of each target. Nothing is normalised by the batch and nothing is
  /// dropped, so this is inference.
  template <class Context>
  static void compute_target(Context& context, memory<Context>& m, reads<Context, Images> batch) {
    using T = typename Context::activation;
    constexpr kernels::token_extents extents{target_tokens::extents[0] - grid::patches, grid::patches,
                                             channels_of<target_tokens>};
    const arena_scope guard{context.workspace};
    const auto w = network_weights(context, context.workspace, target_size, m.target_values.data(), nullptr);
    const auto all = context.workspace.template allocate<T, target_tokens>(batch.batch);
    target_network::infer(context, w, unmasked<grid>{}, batch, all);
    for (std::size_t t = 0; t < mask::targets; ++t)
      kernels::gather_tokens<typename Context::device>::forward(
          context, extents, batch.batch, m.masked.target_patches(t), static_cast<const T*>(all.data),
          m.wanted.part(t * batch.batch, batch.batch).data);
  }
};

}  // namespace pretext::inline v0_1
