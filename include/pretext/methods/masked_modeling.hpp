#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/kernels/pooling.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/losses/masked_pixels.hpp>
#include <pretext/masking/random_masking.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext {

/// Patches of an image are hidden and predicted from the others. MAE, SimMIM… are choices of its policies.
template <ImageShape Images, class... Policies>
class masked_modeling {
  static_assert((detail::is_one_of<Policies, pretext::encoder, pretext::masking, pretext::mask_mode,
                                   pretext::decoder, pretext::loss> &&
                 ...),
                "pretext::masked_modeling: every policy after the image shape must be encoder<>, masking<>, "
                "hiding<>, decoder<> or loss<>.");
  using said = detail::given<Policies...>;
  template <template <class> class Word, class Otherwise>
  using pick = typename detail::pick<Word, said, Otherwise>::type;

 public:
  using images = Images;
  using encoder = pick<pretext::encoder, void>;
  using masking_type = pick<pretext::masking, random_masking<>>;
  using mask_mode = pick<pretext::mask_mode, drop_masked>;
  using decoder = pick<pretext::decoder, void>;
  using loss_type = pick<pretext::loss, masked_pixels>;
  static_assert(!std::is_void_v<encoder>, "pretext::masked_modeling: say which encoder<> to train.");
  static_assert(!std::is_void_v<decoder>,
                "pretext::masked_modeling: say which decoder<> predicts the hidden patches.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  using grid = patch_grid<Images, encoder::patch>;
  using mask = masks_of<masking_type, grid>;
  using trunk = typename mask_mode::template network<encoder, mask>;
  using tokens = typename trunk::output;  ///< what the encoder makes of the patches it is shown
  using feature = output_of<encoder, Images>;
  using embedding = shape<channels_of<tokens>>;  ///< the mean of those tokens
  using prediction = typename decoder::template output<tokens, mask>;
  using reconstruction = shape<grid::patches, grid::patch_dim>;  ///< of every patch, for looking at

  static constexpr auto parameters =
      concatenate(trunk::parameters(), decoder::template parameters<tokens, mask>());
  static constexpr std::size_t size = parameter_count(parameters);
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = parameter_count(trunk::parameters());
  /// Of one image's way to its predictions.
  static constexpr std::size_t macs = trunk::macs + decoder::template macs<tokens, mask>();

  /// Everything the method keeps while it learns; the views into it last until the next step.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    buffer<W, typename Context::device> value{size}, gradient{size};
    typename trunk::template cache<Context> trunk_cache;
    typename decoder::template cache<tokens, mask, Context> decoder_cache;
    mask masked;                            ///< the last batch's masks
    writes<Context, prediction> predicted;  ///< of its hidden patches, in the masks' order
    writes<Context, embedding> z;
  };

  masking_type masking{};
  loss_type loss{};

  friend bool operator==(const masked_modeling&, const masked_modeling&) = default;

  /// Loss of one batch (n, H, W, C); adds its gradient to the memory's.
  template <class Context>
  typename Context::loss_value learn(Context& context, memory<Context>& m, reads<Context, Images> batch,
                                     const step_context& step) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    context.activations.reset();
    const auto w = network_weights(context, context.activations, size, m.value.data(), m.gradient.data());
    m.masked = masking.template draw<grid>(context, batch.batch);
    m.predicted = context.activations.template allocate<T, prediction>(batch.batch);
    m.z = context.activations.template allocate<T, embedding>(batch.batch);
    const auto seen = context.activations.template allocate<T, tokens>(batch.batch);
    const auto dpredicted = context.activations.template allocate<T, prediction>(batch.batch);
    Context::device::clear(context.stream, dpredicted.data, dpredicted.size());

    trunk::forward(context, w, m.masked, batch, seen, m.trunk_cache);
    decoder::forward(context, w.at(trunk_size), m.masked, reads<Context, tokens>{seen}, m.predicted,
                     m.decoder_cache);
    kernels::average_pool<typename Context::device>::forward(context, batch.batch, position_count<tokens>,
                                                             channels_of<tokens>,
                                                             static_cast<const T*>(seen.data), m.z.data);
    const auto value = static_cast<typename Context::loss_value>(
        loss(context, reads<Context, prediction>{m.predicted}, batch, m.masked, dpredicted));

    const arena_scope guard{context.workspace};
    const auto dseen = context.workspace.template allocate<T, tokens>(batch.batch);
    decoder::backward(context, w.at(trunk_size), m.masked, m.decoder_cache,
                      reads<Context, prediction>{dpredicted}, dseen);
    trunk::backward(context, w, m.masked, m.trunk_cache, reads<Context, tokens>{dseen});
    return value;
  }

  /// Nothing follows.
  template <class Context>
  void update_target(Context&, memory<Context>&, device_scalar<double>) const {}

  /// Predicts every patch of each image, masked or visible, from the visible ones; the memory then holds the
  /// masks, which are drawn with the step's keys.
  template <class Context>
  void reconstruct(Context& context, memory<Context>& m, reads<Context, Images> batch,
                   const step_context& step, writes<Context, reconstruction> all) const {
    using T = typename Context::activation;
    const step_scope running{context, step};
    context.activations.reset();
    m.masked = masking.template draw<grid>(context, batch.batch);
    const arena_scope guard{context.workspace};
    const auto w = network_weights(context, context.workspace, size, m.value.data(), nullptr);
    const auto seen = context.workspace.template allocate<T, tokens>(batch.batch);
    trunk::infer(context, w, m.masked, batch, seen);
    decoder::infer(context, w.at(trunk_size), m.masked, reads<Context, tokens>{seen}, all);
  }

  /// The encoder's feature h of whole images in inference mode.
  template <class Context>
  static void encode(Context& context, memory<Context>& m, reads<Context, Images> batch,
                     writes<Context, feature> h) {
    const arena_scope guard{context.workspace};
    encoder::infer(context,
                   network_weights(context, context.workspace, encoder_size, m.value.data(), nullptr), batch,
                   h);
  }
};

}  // namespace pretext
