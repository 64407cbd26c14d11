// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/heads/linear_classifier.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/cross_entropy.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

/// Supervised learning of an encoder and a classifier on its feature: fine-tuning, linear probing on
/// augmented images (`frozen`), or training from scratch. One view per image; its soft target, the
/// probabilities of the classes, is written to the memory's `soft_targets` before every step. Policies are
/// encoder<>, classifier<> and loss<>. Paths are torchvision's or timm's.
template <Shape Images, class... Policies>
class classification {
  static_assert(!detail::is_channels_first<Images>,
                "pretext::classification: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert((detail::is_known<Policies, pretext::encoder, pretext::classifier, pretext::loss> && ...),
                "pretext::classification: every policy after the image shape must be encoder<>, classifier<> "
                "or loss<>.");
  using given = detail::policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder>,
                "pretext::classification: encoder<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::classifier>,
                "pretext::classification: classifier<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::loss>,
                "pretext::classification: loss<> is given twice; give it once.");

 public:
  using images = Images;
  using encoder = typename given::template pick<pretext::encoder, void>;
  using classifier = typename given::template pick<pretext::classifier, void>;
  using loss_type = typename given::template pick<pretext::loss, cross_entropy>;
  static_assert(!std::is_void_v<encoder>, "pretext::classification: say which encoder<> to train.");
  static_assert(!std::is_void_v<classifier>,
                "pretext::classification: say which classifier<> follows the encoder.");
  static_assert(ClassificationLoss<loss_type>,
                "pretext::classification: the loss<> compares logits with soft targets: it must be a "
                "ClassificationLoss such as cross_entropy, a template callable as (context, logits, targets, "
                "dlogits) that returns Context::loss_value.");
  static_assert(
      std::is_void_v<encoder> || Encoder<encoder, Images>,
      "pretext::classification: the encoder<> must be an Encoder, a network from the images' shape to "
      "a feature shape<D>.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  struct network : sequential<named<"", encoder>, named<detail::classifier_name<encoder>, classifier>> {};
  using feature = output_of<encoder, Images>;
  using embedding = output_of<network, Images>;  ///< the logits
  static_assert(Head<classifier, feature>,
                "pretext::classification: the classifier<> must be a Head, a network from the feature "
                "shape<D> to the logits shape<C>.");

  static constexpr auto parameters = parameters_of<network, Images>;
  static constexpr std::size_t size = weight_count<network, Images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;

  /// Parameters, gradients and caches of a training.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    buffer<W, typename Context::device> value{size}, gradient{size};
    cache_of<network, Images, Context> cache;
    cache_of<classifier, feature, Context> classifier_cache;
    tensor<W, embedding, typename Context::device>
        soft_targets;                   ///< probabilities of the classes, (n, classes); for one step
    writes<Context, embedding> logits;  ///< of the last batch, until the next step
  };

  loss_type loss{};
  bool frozen = false;  ///< linear probing: the encoder stays as it is, its running statistics included

  friend bool operator==(const classification&, const classification&) = default;

  /// Classes that labels may name: the loss's `classes` where it has fewer than the classifier has outputs.
  std::size_t classes() const {
    if constexpr (requires { loss.classes; })
      return loss.classes > 0 ? loss.classes : embedding::size;
    else
      return embedding::size;
  }
  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { loss.check(); }) loss.check();
    expects(classes() <= embedding::size, "classification: the loss has ", classes(),
            " classes, but the classifier<> has ", embedding::size, " outputs");
  }

  /// The learning rate multiplier that a row of `parameters` is trained with: 0 for a frozen encoder.
  /// Trainers make their parameter table with it, and every optimizer leaves out rows with multiplier 0.
  double lr_multiplier(const parameter& p) const {
    return frozen && p.offset < encoder_size ? 0 : p.lr_multiplier;
  }

  /// Loss of one batch against the soft targets; adds its gradient to the memory's. Throws
  /// std::invalid_argument unless there is a soft target for every image.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    const tensor_view<const typename Context::weight, embedding> soft_targets{m.soft_targets.view()};
    expects(soft_targets.batch == batch.batch, "classification: ", batch.batch, " images but ",
            soft_targets.batch,
            " soft targets; before every step write those of its n images into soft_targets.resize(n) of the "
            "method's memory");
    m.soft_targets.resize(0);
    context.activations.reset();
    begin_step<network, Images>(context, m.value.data());
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
    const typename Context::loss_value value = detail::sum_of_shards<Context>(
        context, loss(context, reads<Context, embedding>{m.logits}, soft_targets, dz));
    if (!encoder_learns)
      classifier::backward(context, w.at(encoder_size), m.classifier_cache, reads<Context, embedding>{dz},
                           writes<Context, feature>{nullptr, batch.batch});
    else
      network::backward(context, w, m.cache, reads<Context, embedding>{dz},
                        writes<Context, Images>{nullptr, batch.batch});
    return value;
  }

  /// The logits in inference mode.
  template <class Context>
  static void predict(Context& context, memory<Context>& m, reads<Context, Images> batch,
                      writes<Context, embedding> logits) {
    infer_network<network>(context, m.value.data(), batch, logits);
  }

 private:
  /// An encoder without a row that learns needs no gradient, and its batch norm must not learn either.
  bool encoder_learns() const {
    return std::ranges::any_of(parameters, [this](const parameter& p) {
      return p.offset < encoder_size && p.role == parameter_role::trainable && lr_multiplier(p) != 0;
    });
  }
};

}  // namespace pretext::inline v0_1
