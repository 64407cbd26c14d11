#pragma once
#include <pretext/encoders/masked/visible_patches.hpp>

namespace pretext {

/// Hidden patches are left out: the encoder computes on the visible ones alone (He et al. 2022, §3), and its
/// tokens are those of the class and of the visible patches.
struct left_out {
  template <class Encoder, class Masks>
  struct network {
    using images = typename Masks::grid::images;
    using patches = visible_patches<Encoder, Masks>;
    using entrance = typename Encoder::template entrance<images>;
    using trunk = typename Encoder::trunk;
    using embedded = typename patches::output;
    using output = output_of<entrance, embedded>;
    static constexpr std::size_t multiply_adds =
        patches::multiply_adds + pretext::multiply_adds<trunk, output>;

    static consteval auto parameters() { return parameters_of<Encoder, images>; }

    template <class Place>
    struct cache {
      typename patches::template cache<Place> projected;
      cache_of<entrance, embedded, Place> entered;
      cache_of<trunk, output, Place> body;
    };

    template <class Place>
    static void forward(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                        writes<Place, output> y, cache<Place>& kept) {
      using T = typename Place::activation;
      const auto sequence = place.kept.template take<T, output>(x.batch);
      const borrowed guard{place.scratch};
      const auto tokens = place.scratch.template take<T, embedded>(x.batch);
      patches::forward(place, w, masks, x, tokens, kept.projected);
      entrance::forward(place, w, reads<Place, embedded>{tokens}, sequence, kept.entered,
                        masks.visible_places());
      trunk::forward(place, w.at(trunk_at), reads<Place, output>{sequence}, y, kept.body);
    }

    template <class Place>
    static void backward(Place& place, weights<Place> w, const Masks&, cache<Place>& kept,
                         reads<Place, output> dy) {
      using T = typename Place::activation;
      const borrowed guard{place.scratch};
      const auto dsequence = place.scratch.template take<T, output>(dy.batch);
      const auto dtokens = place.scratch.template take<T, embedded>(dy.batch);
      trunk::backward(place, w.at(trunk_at), kept.body, dy, dsequence);
      entrance::backward(place, w, kept.entered, reads<Place, output>{dsequence}, dtokens);
      patches::backward(place, w, kept.projected, reads<Place, embedded>{dtokens});
    }

    template <class Place>
    static void infer(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                      writes<Place, output> y) {
      using T = typename Place::activation;
      const borrowed guard{place.scratch};
      const auto tokens = place.scratch.template take<T, embedded>(x.batch);
      const auto sequence = place.scratch.template take<T, output>(x.batch);
      patches::infer(place, w, masks, x, tokens);
      entrance::infer(place, w, reads<Place, embedded>{tokens}, sequence, masks.visible_places());
      trunk::infer(place, w.at(trunk_at), reads<Place, output>{sequence}, y);
    }

   private:
    static constexpr std::size_t trunk_at = Encoder::template trunk_at<images>;
  };
};

}  // namespace pretext
