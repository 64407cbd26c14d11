// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include <pretext/core/concepts.hpp>
#include <pretext/core/expects.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/layers/begin_step.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/layers/fold_norms.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/feature_regression.hpp>
#include <pretext/losses/negative_cosine.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// From a feature to another one's width.
template <class E, class Images>
struct to_feature {
  using type = void;
};
template <class E, class Images>
  requires Encoder<E, Images>
struct to_feature<E, Images> {
  using type = linear<output_of<E, Images>::size>;
};
}  // namespace detail

/// Feature distillation: an encoder and a projection head learn to predict the features of a trained encoder
/// of any other type, the teacher, of the same view of each image (Beyer et al. 2022 show why it must be the
/// same). The teacher runs in inference mode; its weights are `teacher_weights`, which belong neither to the
/// parameters nor to a checkpoint. Policies are encoder<>, teacher<>, projector<>, by default a linear layer
/// to the teacher's width, and loss<>: `negative_cosine` by default, or `feature_regression`, the smooth L1
/// distance of normalised features (Wei et al. 2022, with `beta` 2).
template <ImageShape Images, class... Policies>
class distillation {
  static_assert(!detail::is_channels_first<Images>,
                "pretext::distillation: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert(
      (detail::is_known<Policies, pretext::encoder, pretext::teacher, pretext::projector, pretext::loss> &&
       ...),
      "pretext::distillation: every policy after the image shape must be encoder<>, teacher<>, "
      "projector<> or loss<>.");
  using given = detail::policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder> &&
                    given::template at_most_once<pretext::teacher> &&
                    given::template at_most_once<pretext::projector> &&
                    given::template at_most_once<pretext::loss>,
                "pretext::distillation: a policy is given twice; give it once.");

 public:
  using images = Images;
  using encoder = typename given::template pick<pretext::encoder, void>;
  using teacher = typename given::template pick<pretext::teacher, void>;
  static_assert(!std::is_void_v<encoder>, "pretext::distillation: say which encoder<> to train.");
  static_assert(!std::is_void_v<teacher>,
                "pretext::distillation: say which teacher<> the encoder learns from.");
  static_assert(
      std::is_void_v<encoder> || Encoder<encoder, Images>,
      "pretext::distillation: the encoder<> must be an Encoder, a network from the images' shape to "
      "a feature shape<D>.");
  static_assert(std::is_void_v<teacher> || Encoder<teacher, Images>,
                "pretext::distillation: the teacher<> must be an Encoder of the same images, a network from "
                "their shape to a feature shape<D>.");
  using projector =
      typename given::template pick<pretext::projector, typename detail::to_feature<teacher, Images>::type>;
  using loss_type = typename given::template pick<pretext::loss, negative_cosine>;
  static_assert(BatchLoss<loss_type> && detail::compares_with_target<loss_type>,
                "pretext::distillation: the loss<> compares predictions with the teacher's features: it must "
                "be a BatchLoss with a target such as negative_cosine or feature_regression.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  struct network : sequential<named<"backbone", encoder>, named<"projection_head", projector>> {};
  using feature = output_of<encoder, Images>;
  using embedding = output_of<teacher, Images>;  ///< the teacher's feature, and its prediction
  static_assert(
      std::is_same_v<output_of<network, Images>, embedding>,
      "pretext::distillation: the projector<> must be a Head from the encoder's feature to one as wide "
      "as the teacher's.");

  static constexpr auto parameters = parameters_of<network, Images>;
  static constexpr std::size_t size = weight_count<network, Images>;
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t teacher_size = weight_count<teacher, Images>;
  /// Multiply-accumulates of one image's forward pass, the teacher's included.
  static constexpr std::size_t macs = pretext::macs<network, Images> + pretext::macs<teacher, Images>;

  /// Parameters, gradients and caches of a training; the views into its buffers last until the next step.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    using device = typename Context::device;
    buffer<W, device> value{size}, gradient{size};
    buffer<W, device> teacher_values{teacher_size};  ///< its convolutions multiplied by their batch norms
    cache_of<encoder, Images, Context> encoder_cache;
    cache_of<projector, feature, Context> projector_cache;
    loss_state_of<loss_type, Context, embedding> loss_state;
    writes<Context, embedding> wanted;  ///< the teacher's features of the last batch
    writes<Context, feature> h;         ///< the encoder's
    writes<Context, embedding> z;       ///< its predictions of the teacher's
  };

  loss_type loss{};
  /// In host memory, as `parameters_of<teacher, images>` describes them: `read_teacher` reads them from a
  /// file.
  std::shared_ptr<const std::vector<float>> teacher_weights{};

  friend bool operator==(const distillation&, const distillation&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range, and without a teacher's weights.
  void check() const {
    if constexpr (requires { loss.check(); }) loss.check();
    expects(teacher_weights != nullptr,
            "distillation: the teacher has no weights; set teacher_weights, for example to "
            "read_teacher<teacher, images>(file)");
    expects(teacher_weights->size() == teacher_size, "distillation: teacher_weights has ",
            teacher_weights->size(), " values, but the teacher<> has ", teacher_size);
  }

  /// Copies the teacher's weights to the device and gives what the loss remembers its initial values.
  template <class Context>
  void start(Context& context, memory<Context>& m, std::uint64_t seed) const {
    using W = typename Context::weight;
    check();
    std::vector<W> host(teacher_weights->begin(), teacher_weights->end());
    fold_norms<W>(teacher_table, host.data());
    Context::device::write(context.stream, m.teacher_values.data(), host.data(), host.size());
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
    const std::size_t n = batch.batch;
    begin_step<network, Images>(context, m.value.data());
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    m.wanted = context.activations.template allocate<T, embedding>(n);
    run_teacher(context, m, batch);

    m.h = context.activations.template allocate<T, feature>(n);
    m.z = context.activations.template allocate<T, embedding>(n);
    const auto dh = context.activations.template allocate<T, feature>(n);
    const auto dz = context.activations.template allocate<T, embedding>(n);
    encoder::forward(context, w, batch, m.h, m.encoder_cache);
    projector::forward(context, w.at(encoder_size), reads<Context, feature>{m.h}, m.z, m.projector_cache);
    // The loss sees the teacher's feature as another view of the image.
    const loss_batch<Context, embedding> compared{.images = n,
                                                  .views = 1,
                                                  .target_views = 1,
                                                  .first_target_view = 1,
                                                  .p = m.z,
                                                  .dp = dz,
                                                  .target = m.wanted,
                                                  .values = step.loss};
    const auto value = detail::whole_batch_loss(context, loss, compared, m.loss_state);
    projector::backward(context, w.at(encoder_size), m.projector_cache, reads<Context, embedding>{dz}, dh);
    encoder::backward(context, w, m.encoder_cache, reads<Context, feature>{dh},
                      writes<Context, Images>{nullptr, n});
    return value;
  }

  /// Changes what the loss remembers between steps; after the optimizer.
  template <class Context>
  void complete_step(Context& context, memory<Context>& m) const {
    commit_loss(context, loss, m.loss_state);
  }

 private:
  static constexpr auto teacher_table = parameters_of<teacher, Images>;

  template <class Context>
  static void run_teacher(Context& context, memory<Context>& m, reads<Context, Images> batch) {
    const arena_scope guard{context.workspace};
    auto w = network_weights(context, context.workspace, teacher_size, m.teacher_values.data(), nullptr);
    w.folded = true;
    teacher::infer(context, w, batch, m.wanted);
  }
};

}  // namespace pretext::inline v0_1
