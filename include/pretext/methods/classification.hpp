#pragma once
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
/// called is written to the memory's `goal` before every step. Paths are torchvision's or timm's.
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
  using loss = pick<pretext::loss, cross_entropy>;
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
  template <class Place>
  struct memory {
    using W = typename Place::weight;
    buffer<W, typename Place::device> value{size}, gradient{size};
    cache_of<network, Images, Place> tape;
    cache_of<classifier, feature, Place> probe_tape;
    tensor<W, embedding, typename Place::device> goal;  ///< shares of the classes, (n, classes); for one step
    writes<Place, embedding> logits;                    ///< of the last batch, until the next step
  };

  loss compare{};
  bool frozen = false;  ///< the encoder is used in inference mode and does not learn

  /// Loss of one batch against the goals; adds its gradient to the memory's. Throws std::invalid_argument
  /// without a goal for every image.
  template <class Place>
  typename Place::loss_value learn(Place& place, memory<Place>& m, reads<Place, Images> batch) const {
    using T = typename Place::activation;
    const tensor_view<const typename Place::weight, embedding> goal{m.goal.view()};
    expects(goal.batch == batch.batch, "classification: ", batch.batch, " images but ", goal.batch,
            " goals; write the classes of every step into goal.resize(n) of the method's memory");
    m.goal.resize(0);
    place.kept.reset();
    const auto w = network_weights(place, place.kept, size, m.value.data(), m.gradient.data());
    place.groups = 1;
    m.logits = place.kept.template take<T, embedding>(batch.batch);
    const auto dz = place.kept.template take<T, embedding>(batch.batch);
    Place::device::clear(place.stream, dz.data, dz.size());
    if (frozen) {
      const auto h = place.kept.template take<T, feature>(batch.batch);
      encoder::infer(place, w, batch, h);
      classifier::forward(place, w.at(encoder_size), reads<Place, feature>{h}, m.logits, m.probe_tape);
    } else {
      network::forward(place, w, batch, m.logits, m.tape);
    }
    const typename Place::loss_value value = compare(place, reads<Place, embedding>{m.logits}, goal, dz);
    if (frozen)
      classifier::backward(place, w.at(encoder_size), m.probe_tape, reads<Place, embedding>{dz},
                           writes<Place, feature>{nullptr, batch.batch});
    else
      network::backward(place, w, m.tape, reads<Place, embedding>{dz},
                        writes<Place, Images>{nullptr, batch.batch});
    return value;
  }

  /// Nothing follows.
  template <class Place>
  void follow(Place&, memory<Place>&, step_number<double>) const {}

  /// The encoder's feature h in inference mode.
  template <class Place>
  static void encode(Place& place, memory<Place>& m, reads<Place, Images> batch, writes<Place, feature> h) {
    const borrowed guard{place.scratch};
    encoder::infer(place, network_weights(place, place.scratch, encoder_size, m.value.data(), nullptr), batch,
                   h);
  }

  /// The logits in inference mode.
  template <class Place>
  static void predict(Place& place, memory<Place>& m, reads<Place, Images> batch,
                      writes<Place, embedding> logits) {
    const borrowed guard{place.scratch};
    network::infer(place, network_weights(place, place.scratch, size, m.value.data(), nullptr), batch,
                   logits);
  }
};

}  // namespace pretext
