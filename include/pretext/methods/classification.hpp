#pragma once
#include <algorithm>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/heads/linear_classifier.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/cross_entropy.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext {

namespace detail {
/// What an encoder's classifier is called in checkpoints: an encoder may say so itself (timm's ViTs: `head`),
/// torchvision's ResNets have `fc`.
template <class Encoder>
inline constexpr auto classifier_name = [] {
  if constexpr (requires { Encoder::classifier; })
    return Encoder::classifier;
  else
    return name{"fc"};
}();
}  // namespace detail

/// Supervised learning of an encoder and a classifier on its feature: fine-tuning, linear probing on
/// augmented images (`frozen`), or training from scratch. One view per image; what each image should be
/// called is written to the memory's `soft_targets` before every step. Paths are torchvision's or timm's.
template <Shape Images, class... Policies>
class classification {
  static_assert((detail::is_word<Policies> && ...),
                "pretext::classification: every policy after the image shape must be encoder<>, classifier<> "
                "or loss<>.");
  using said = detail::given<Policies...>;
  template <template <class> class Word, class Otherwise>
  using pick = typename detail::pick<Word, said, Otherwise>::type;

 public:
  using images = Images;
  using encoder = pick<pretext::encoder, void>;
  using classifier = pick<pretext::classifier, void>;
  using loss_type = pick<pretext::loss, cross_entropy>;
  static_assert(!std::is_void_v<encoder>, "pretext::classification: say which encoder<> to train.");
  static_assert(!std::is_void_v<classifier>,
                "pretext::classification: say which classifier<> follows the encoder.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  struct network : sequential<named<"", encoder>, named<detail::classifier_name<encoder>, classifier>> {};
  using feature = output_of<encoder, Images>;
  using embedding = output_of<network, Images>;  ///< the logits

  static constexpr auto parameters = parameters_of<network, Images>;
  static constexpr std::size_t size = weight_count<network, Images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;

  /// Everything the method keeps while it learns.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    buffer<W, typename Context::device> value{size}, gradient{size};
    cache_of<network, Images, Context> cache;
    cache_of<classifier, feature, Context> classifier_cache;
    tensor<W, embedding, typename Context::device>
        soft_targets;                   ///< shares of the classes, (n, classes); for one step
    writes<Context, embedding> logits;  ///< of the last batch, until the next step
  };

  loss_type loss{};
  bool frozen = false;  ///< linear probing: the encoder stays as it is, its running statistics included

  friend bool operator==(const classification&, const classification&) = default;

  /// The learning rate multiplier that a row of `parameters` is trained with: 0 for a frozen encoder.
  /// Trainers make their parameter table with it, and every optimizer leaves out rows with multiplier 0.
  double lr_multiplier(const parameter& p) const {
    return frozen && p.offset < encoder_size ? 0 : p.lr_multiplier;
  }

  /// Loss of one batch against the goals; adds its gradient to the memory's. Throws std::invalid_argument
  /// without a goal for every image.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    const tensor_view<const typename Context::weight, embedding> soft_targets{m.soft_targets.view()};
    expects(soft_targets.batch == batch.batch, "classification: ", batch.batch, " images but ",
            soft_targets.batch,
            " goals; write the classes of every step into goal.resize(n) of the method's memory");
    m.soft_targets.resize(0);
    context.activations.reset();
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    m.logits = context.activations.template allocate<T, embedding>(batch.batch);
    const auto dz = context.activations.template allocate<T, embedding>(batch.batch);
    Context::device::clear(context.stream, dz.data, dz.size());
    const bool encoder_learns = this->encoder_learns();
    if (!encoder_learns) {
      const auto h = context.activations.template allocate<T, feature>(batch.batch);
      encoder::infer(context, w, batch, h);
      classifier::forward(context, w.at(encoder_size), reads<Context, feature>{h}, m.logits,
                          m.classifier_cache);
    } else {
      network::forward(context, w, batch, m.logits, m.cache);
    }
    const typename Context::loss_value value =
        loss(context, reads<Context, embedding>{m.logits}, soft_targets, dz);
    if (!encoder_learns)
      classifier::backward(context, w.at(encoder_size), m.classifier_cache, reads<Context, embedding>{dz},
                           writes<Context, feature>{nullptr, batch.batch});
    else
      network::backward(context, w, m.cache, reads<Context, embedding>{dz},
                        writes<Context, Images>{nullptr, batch.batch});
    return value;
  }

  /// Nothing follows.
  template <class Context>
  void update_target(Context&, memory<Context>&, device_scalar<double>) const {}

  /// The encoder's feature h in inference mode.
  template <class Context>
  static void encode(Context& context, memory<Context>& m, reads<Context, Images> batch,
                     writes<Context, feature> h) {
    const arena_scope guard{context.workspace};
    encoder::infer(context,
                   network_weights(context, context.workspace, encoder_size, m.value.data(), nullptr), batch,
                   h);
  }

  /// The logits in inference mode.
  template <class Context>
  static void predict(Context& context, memory<Context>& m, reads<Context, Images> batch,
                      writes<Context, embedding> logits) {
    const arena_scope guard{context.workspace};
    network::infer(context, network_weights(context, context.workspace, size, m.value.data(), nullptr), batch,
                   logits);
  }

 private:
  /// An encoder without a row that learns needs no gradient, and its batch norm must not learn either.
  bool encoder_learns() const {
    return std::ranges::any_of(parameters, [this](const parameter& p) {
      return p.offset < encoder_size && p.role == parameter_role::trainable && lr_multiplier(p) != 0;
    });
  }
};

}  // namespace pretext
