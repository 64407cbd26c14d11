#pragma once
#include <concepts>
#include <span>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/optimize.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext {

/// A predictor that predicts nothing.
struct no_predictor : sequential<> {};

/// Two views of every image are embedded and compared. SimCLR, BYOL, SimSiam, VICReg… are choices of its
/// policies.
template <Shape Images, class... Policies>
class joint_embedding {
  static_assert(
      (detail::is_word<Policies> && ...),
      "pretext::joint_embedding: every policy after the image shape must be encoder<>, projector<>, "
      "predictor<>, loss<>, target<> or statistics<>.");
  using said = detail::given<Policies...>;
  template <template <class> class Word, class Otherwise>
  using pick = typename detail::pick<Word, said, Otherwise>::type;

 public:
  using images = Images;
  using encoder = pick<pretext::encoder, void>;
  using projector = pick<pretext::projector, void>;
  using predictor = pick<pretext::predictor, no_predictor>;
  using loss_type = pick<pretext::loss, void>;
  using target_type = pick<pretext::target, shared_weights>;
  using statistics = pick<pretext::statistics, joint_statistics>;
  static_assert(!std::is_void_v<encoder>, "pretext::joint_embedding: say which encoder<> to train.");
  static_assert(!std::is_void_v<projector>,
                "pretext::joint_embedding: say which projector<> follows the encoder.");
  static_assert(!std::is_void_v<loss_type>, "pretext::joint_embedding: say which loss<> compares the views.");

  static constexpr std::size_t views = 2;
  static constexpr bool has_target = !std::same_as<target_type, shared_weights>;
  static constexpr bool has_predictor = !std::same_as<predictor, no_predictor>;

  struct trunk : sequential<named<"backbone", encoder>, named<"projection_head", projector>> {};
  struct online
      : std::conditional_t<has_predictor,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>,
                                      named<"prediction_head", predictor>>,
                           sequential<named<"backbone", encoder>, named<"projection_head", projector>>> {};
  using feature = output_of<encoder, Images>;
  using embedding = output_of<trunk, Images>;
  using prediction = output_of<online, Images>;
  static_assert(!has_target || std::same_as<embedding, prediction>,
                "pretext::joint_embedding: the predictor<> must give as many numbers as the projector<>, "
                "because the loss<> compares its output with the target's.");

  static constexpr auto parameters = parameters_of<online, Images>;
  static constexpr std::size_t size = weight_count<online, Images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = weight_count<trunk, Images>;
  static constexpr std::size_t target_size = has_target ? trunk_size : 0;

  /// Everything the method keeps while it learns.
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

  /// Loss of one batch of stacked views (2n, …), view 1 first; adds its gradient to the memory's.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step, std::same_as<statistics, per_view_statistics> ? views : 1};
    context.activations.reset();
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    const reads<Context, embedding> target_embedding{target_forward(context, m, batch)};
    const auto compared = [&](reads<Context, prediction> q, writes<Context, prediction> dq) {
      Context::device::clear(context.stream, dq.data, dq.size());
      if constexpr (has_target)
        return static_cast<typename Context::loss_value>(loss(context, q, target_embedding, dq));
      else
        return static_cast<typename Context::loss_value>(loss(context, q, dq));
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
      value = compared(reads<Context, prediction>{q}, dq);
      predictor::backward(context, w.at(trunk_size), m.predictor_cache, reads<Context, prediction>{dq}, dz);
    } else {
      value = compared(z, dz);
    }
    trunk::backward(context, w, m.cache, reads<Context, embedding>{dz},
                    writes<Context, Images>{nullptr, batch.batch});
    return value;
  }

  /// Lets the target follow the online network after the optimizer has moved it: it keeps the part `momentum`
  /// of itself. What follows are the
  /// parameters; the running statistics stay those of the target's own forward passes, as in BYOL's code.
  template <class Context>
  void update_target(Context& context, memory<Context>& m, device_scalar<double> momentum) const {
    using W = typename Context::weight;
    if constexpr (has_target)
      kernels::optimize<typename Context::device>::ema_update(
          context, m.target_chunks, momentum, static_cast<const W*>(m.value.data()), m.target_values.data());
  }

  /// The backbone's feature h in inference mode: what evaluation and users of the encoder want.
  template <class Context>
  static void encode(Context& context, memory<Context>& m, reads<Context, Images> batch,
                     writes<Context, feature> h) {
    const arena_scope guard{context.workspace};
    encoder::infer(context,
                   network_weights(context, context.workspace, encoder_size, m.value.data(), nullptr), batch,
                   h);
  }

 private:
  /// What a target follows.
  static constexpr auto trunk_table = parameters_of<trunk, Images>;
  static std::span<const parameter> online_chunks() {
    return has_target ? std::span<const parameter>{trunk_table} : std::span<const parameter>{};
  }

  /// The target's embeddings of the batch, in training mode. They come first and leave no tape behind: the
  /// online network's may lie in the same memory.
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

}  // namespace pretext
