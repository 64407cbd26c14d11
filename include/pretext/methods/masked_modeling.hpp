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
  static_assert((detail::is_one_of<Policies, pretext::encoder, pretext::masking, pretext::hiding,
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
  using masking = pick<pretext::masking, random_masking<>>;
  using hiding = pick<pretext::hiding, left_out>;
  using decoder = pick<pretext::decoder, void>;
  using loss = pick<pretext::loss, masked_pixels>;
  static_assert(!std::is_void_v<encoder>, "pretext::masked_modeling: say which encoder<> to train.");
  static_assert(!std::is_void_v<decoder>,
                "pretext::masked_modeling: say which decoder<> predicts the hidden patches.");

  static constexpr std::size_t views = 1;
  static constexpr bool has_target = false;

  using grid = patch_grid<Images, encoder::patch>;
  using mask = masks_of<masking, grid>;
  using trunk = typename hiding::template network<encoder, mask>;
  using tokens = typename trunk::output;  ///< what the encoder makes of the patches it is shown
  using feature = output_of<encoder, Images>;
  using embedding = shape<channels_of<tokens>>;  ///< the mean of those tokens
  using prediction = typename decoder::template output<tokens, mask>;
  using reconstruction = shape<grid::places, grid::numbers>;  ///< of every patch, for looking at

  static constexpr auto parameters = join(trunk::parameters(), decoder::template parameters<tokens, mask>());
  static constexpr std::size_t size = count(parameters);
  static constexpr std::size_t encoder_size = weight_count<encoder, Images>;
  static constexpr std::size_t trunk_size = count(trunk::parameters());
  /// Of one image's way to its predictions.
  static constexpr std::size_t multiply_adds =
      trunk::multiply_adds + decoder::template multiply_adds<tokens, mask>();

  /// Everything the method keeps while it learns; the views into it last until the next step.
  template <class Place>
  struct memory {
    using W = typename Place::weight;
    buffer<W, typename Place::device> value{size}, gradient{size};
    typename trunk::template cache<Place> trunk_tape;
    typename decoder::template cache<tokens, mask, Place> decoder_tape;
    mask hidden;                          ///< the last batch's masks
    writes<Place, prediction> predicted;  ///< of its hidden patches, in the masks' order
    writes<Place, embedding> z;
  };

  masking mask_patches{};
  loss compare{};

  /// Loss of one batch (n, H, W, C); adds its gradient to the memory's.
  template <class Place>
  typename Place::loss_value learn(Place& place, memory<Place>& m, reads<Place, Images> batch) const {
    using T = typename Place::activation;
    place.kept.reset();
    const auto w = network_weights(place, place.kept, size, m.value.data(), m.gradient.data());
    place.groups = 1;
    m.hidden = mask_patches.template draw<grid>(place, batch.batch);
    m.predicted = place.kept.template take<T, prediction>(batch.batch);
    m.z = place.kept.template take<T, embedding>(batch.batch);
    const auto seen = place.kept.template take<T, tokens>(batch.batch);
    const auto dpredicted = place.kept.template take<T, prediction>(batch.batch);
    Place::device::clear(place.stream, dpredicted.data, dpredicted.size());

    trunk::forward(place, w, m.hidden, batch, seen, m.trunk_tape);
    decoder::forward(place, w.at(trunk_size), m.hidden, reads<Place, tokens>{seen}, m.predicted,
                     m.decoder_tape);
    kernels::average_pool<typename Place::device>::forward(place, batch.batch, places_of<tokens>,
                                                           channels_of<tokens>,
                                                           static_cast<const T*>(seen.data), m.z.data);
    const auto value = static_cast<typename Place::loss_value>(
        compare(place, reads<Place, prediction>{m.predicted}, batch, m.hidden, dpredicted));

    const borrowed guard{place.scratch};
    const auto dseen = place.scratch.template take<T, tokens>(batch.batch);
    decoder::backward(place, w.at(trunk_size), m.hidden, m.decoder_tape, reads<Place, prediction>{dpredicted},
                      dseen);
    trunk::backward(place, w, m.hidden, m.trunk_tape, reads<Place, tokens>{dseen});
    return value;
  }

  /// Nothing follows.
  template <class Place>
  void follow(Place&, memory<Place>&, step_number<double>) const {}

  /// Predicts every patch of each image, hidden or visible, from those that a mask leaves visible; keeps the
  /// masks in the memory. Call the trainer's `draw` first, as before a step.
  template <class Place>
  void reconstruct(Place& place, memory<Place>& m, reads<Place, Images> batch,
                   writes<Place, reconstruction> all) const {
    using T = typename Place::activation;
    place.kept.reset();
    m.hidden = mask_patches.template draw<grid>(place, batch.batch);
    const borrowed guard{place.scratch};
    const auto w = network_weights(place, place.scratch, size, m.value.data(), nullptr);
    const auto seen = place.scratch.template take<T, tokens>(batch.batch);
    trunk::infer(place, w, m.hidden, batch, seen);
    decoder::infer(place, w.at(trunk_size), m.hidden, reads<Place, tokens>{seen}, all);
  }

  /// The encoder's feature h of whole images in inference mode.
  template <class Place>
  static void encode(Place& place, memory<Place>& m, reads<Place, Images> batch, writes<Place, feature> h) {
    const borrowed guard{place.scratch};
    encoder::infer(place, network_weights(place, place.scratch, encoder_size, m.value.data(), nullptr), batch,
                   h);
  }
};

}  // namespace pretext
