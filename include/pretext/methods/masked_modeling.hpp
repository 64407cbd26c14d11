// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <type_traits>

#include <pretext/core/concepts.hpp>
#include <pretext/encoders/concepts.hpp>
#include <pretext/encoders/masked/visible_only.hpp>
#include <pretext/heads/concepts.hpp>
#include <pretext/kernels/pooling.hpp>
#include <pretext/layers/detail/network_weights.hpp>
#include <pretext/losses/concepts.hpp>
#include <pretext/losses/masked_pixels.hpp>
#include <pretext/masking/concepts.hpp>
#include <pretext/masking/random_masking.hpp>
#include <pretext/methods/concepts.hpp>
#include <pretext/methods/detail/whole_batch.hpp>
#include <pretext/methods/policies.hpp>

namespace pretext::inline v0_1 {

namespace detail {
/// Do whole patches of an encoder, if it has patches, fill an image?
template <class Encoder, class Images>
inline constexpr bool patches_fill = true;
template <class Encoder, class Images>
  requires requires { Encoder::patch; }
inline constexpr bool patches_fill<Encoder, Images> =
    Images::extents[0] % Encoder::patch == 0 && Images::extents[1] % Encoder::patch == 0;
}  // namespace detail

/// Patches of an image are masked and predicted from the visible ones: MAE and SimMIM are choices of its
/// policies encoder<>, masking<>, mask_mode<>, decoder<> and loss<>.
template <ImageShape Images, class... Policies>
class masked_modeling {
  static_assert(!detail::is_channels_first<Images>,
                "pretext::masked_modeling: image shapes are shape<rows, columns, channels>, channels last.");
  static_assert((detail::is_known<Policies, pretext::encoder, pretext::masking, pretext::mask_mode,
                                  pretext::decoder, pretext::loss> &&
                 ...),
                "pretext::masked_modeling: every policy after the image shape must be encoder<>, masking<>, "
                "mask_mode<>, decoder<> or loss<>.");
  using given = detail::policies<Policies...>;
  static_assert(given::template at_most_once<pretext::encoder>,
                "pretext::masked_modeling: encoder<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::masking>,
                "pretext::masked_modeling: masking<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::mask_mode>,
                "pretext::masked_modeling: mask_mode<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::decoder>,
                "pretext::masked_modeling: decoder<> is given twice; give it once.");
  static_assert(given::template at_most_once<pretext::loss>,
                "pretext::masked_modeling: loss<> is given twice; give it once.");

 public:
  using images = Images;
  using encoder = typename given::template pick<pretext::encoder, void>;
  using masking_type = typename given::template pick<pretext::masking, random_masking<>>;
  using mask_mode = typename given::template pick<pretext::mask_mode, drop_masked>;
  using decoder = typename given::template pick<pretext::decoder, void>;
  using loss_type = typename given::template pick<pretext::loss, masked_pixels>;
  static_assert(!std::is_void_v<encoder>, "pretext::masked_modeling: say which encoder<> to train.");
  static_assert(!std::is_void_v<decoder>,
                "pretext::masked_modeling: say which decoder<> predicts the masked patches.");
  static_assert(
      MaskedLoss<loss_type>,
      "pretext::masked_modeling: the loss<> compares predicted patches with the masked ones: it must "
      "be a MaskedLoss such as masked_pixels, a template callable as (context, prediction, images, "
      "masks, dprediction) that returns Context::loss_value.");
  static_assert(detail::patches_fill<encoder, Images>,
                "pretext: the patches do not fill the image; its rows and columns must be multiples of the "
                "patch size.");
  static_assert(
      std::is_void_v<encoder> || PatchEncoder<encoder, Images>,
      "pretext::masked_modeling: the encoder<> must be a PatchEncoder, which can run on a selection "
      "of an image's patches, such as vit.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  using grid = patch_grid<Images, encoder::patch>;
  static_assert(Masking<masking_type, grid>,
                "pretext::masked_modeling: the masking<> must be a Masking such as random_masking<>, with a "
                "member visible<Grid>.");
  using mask = masks_of<masking_type, grid>;
  static_assert(MaskMode<mask_mode, encoder, mask>,
                "pretext::masked_modeling: the mask_mode<> must be a MaskMode, drop_masked or mask_tokens.");
  using trunk = typename mask_mode::template network<encoder, mask>;
  using tokens = typename trunk::output;  ///< the encoder's output for the patches that it sees
  using feature = output_of<encoder, Images>;
  using embedding = shape<channels_of<tokens>>;  ///< the mean of those tokens
  static_assert(Decoder<decoder, tokens, mask>,
                "pretext::masked_modeling: the decoder<> must be a Decoder, which predicts every pixel and "
                "channel of the masked patches.");
  using prediction = typename decoder::template output<tokens, mask>;
  using reconstruction = shape<grid::patches, grid::patch_dim>;  ///< predictions of every patch

  static constexpr auto parameters =
      concatenate(trunk::parameters(), decoder::template parameters<tokens, mask>());
  static constexpr std::size_t size = parameter_count(parameters);
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = parameter_count(trunk::parameters());
  /// Multiply-accumulates of one image's forward pass.
  static constexpr std::size_t macs = trunk::macs + decoder::template macs<tokens, mask>();

  /// Parameters, gradients and caches of a training; the views into its buffers last until the next step.
  template <class Context>
  struct memory {
    using W = typename Context::weight;
    buffer<W, typename Context::device> value{size}, gradient{size};
    typename trunk::template cache<Context> trunk_cache;
    typename decoder::template cache<tokens, mask, Context> decoder_cache;
    mask masked;                            ///< the last batch's masks
    writes<Context, prediction> predicted;  ///< its masked patches, in the masks' order
    writes<Context, embedding> z;
  };

  masking_type masking{};
  loss_type loss{};

  friend bool operator==(const masked_modeling&, const masked_modeling&) = default;

  /// Throws std::invalid_argument for hyper-parameters out of range.
  void check() const {
    if constexpr (requires { masking.check(); }) masking.check();
    if constexpr (requires { loss.check(); }) loss.check();
  }

  /// Loss of one batch (n, H, W, C); adds its gradient to the memory's. With a communicator this is a shard's
  /// batch: the loss is that of the whole batch, the gradient the shard's part.
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
    const auto visible = context.activations.template allocate<T, tokens>(batch.batch);
    const auto dpredicted = context.activations.template allocate<T, prediction>(batch.batch);
    Context::device::clear(context.stream, dpredicted.data, dpredicted.size());

    trunk::forward(context, w, m.masked, batch, visible, m.trunk_cache);
    decoder::forward(context, w.at(trunk_size), m.masked, reads<Context, tokens>{visible}, m.predicted,
                     m.decoder_cache);
    kernels::average_pool<typename Context::device>::forward(context, batch.batch, position_count<tokens>,
                                                             channels_of<tokens>,
                                                             static_cast<const T*>(visible.data), m.z.data);
    const typename Context::loss_value value = detail::sum_of_shards<Context>(
        context, loss(context, reads<Context, prediction>{m.predicted}, batch, m.masked, dpredicted));

    const arena_scope guard{context.workspace};
    const auto dvisible = context.workspace.template allocate<T, tokens>(batch.batch);
    decoder::backward(context, w.at(trunk_size), m.masked, m.decoder_cache,
                      reads<Context, prediction>{dpredicted}, dvisible);
    trunk::backward(context, w, m.masked, m.trunk_cache, reads<Context, tokens>{dvisible});
    return value;
  }

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
    const auto visible = context.workspace.template allocate<T, tokens>(batch.batch);
    trunk::infer(context, w, m.masked, batch, visible);
    decoder::infer(context, w.at(trunk_size), m.masked, reads<Context, tokens>{visible}, all);
  }
};

}  // namespace pretext::inline v0_1
