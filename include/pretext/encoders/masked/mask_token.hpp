#pragma once
#include <pretext/encoders/masked/visible_patches.hpp>
#include <pretext/kernels/shuffled_tokens.hpp>

namespace pretext {

/// A learned token stands in the place of every hidden patch, before positions are added, and the encoder
/// computes on all of them (Xie et al. 2022, §3.2). Its path is the official one, mask_token, after the
/// encoder's own.
struct by_mask_token {
  template <class Encoder, class Masks>
  struct network {
    using images = typename Masks::grid::images;
    using patches = visible_patches<Encoder, Masks>;
    using entrance = typename Encoder::template entrance<images>;
    using trunk = typename Encoder::trunk;
    using embedded = typename patches::output;
    using completed = shape<Masks::grid::places, channels_of<embedded>>;
    using output = output_of<entrance, completed>;
    static constexpr std::size_t multiply_adds =
        patches::multiply_adds + pretext::multiply_adds<trunk, output>;

    static consteval auto parameters() {
      const parameter token{"mask_token", {1, 1, channels_of<embedded>}, initialiser::truncated_normal(0.02)};
      return join(parameters_of<Encoder, images>, std::array{token});
    }

    template <class Place>
    struct cache {
      typename patches::template cache<Place> projected;
      cache_of<entrance, completed, Place> entered;
      cache_of<trunk, output, Place> body;
    };

    template <class Place>
    static void forward(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                        writes<Place, output> y, cache<Place>& kept) {
      using T = typename Place::activation;
      const auto sequence = place.kept.template take<T, output>(x.batch);
      const borrowed guard{place.scratch};
      const auto tokens = place.scratch.template take<T, embedded>(x.batch);
      const auto all = place.scratch.template take<T, completed>(x.batch);
      patches::forward(place, w, masks, x, tokens, kept.projected);
      complete(place, w, masks, tokens, all);
      entrance::forward(place, w, reads<Place, completed>{all}, sequence, kept.entered);
      trunk::forward(place, w.at(trunk_at), reads<Place, output>{sequence}, y, kept.body);
    }

    template <class Place>
    static void backward(Place& place, weights<Place> w, const Masks& masks, cache<Place>& kept,
                         reads<Place, output> dy) {
      using T = typename Place::activation;
      const borrowed guard{place.scratch};
      const auto dsequence = place.scratch.template take<T, output>(dy.batch);
      const auto dall = place.scratch.template take<T, completed>(dy.batch);
      const auto dtokens = place.scratch.template take<T, embedded>(dy.batch);
      trunk::backward(place, w.at(trunk_at), kept.body, dy, dsequence);
      entrance::backward(place, w, kept.entered, reads<Place, output>{dsequence}, dall);
      kernels::restored_tokens<typename Place::device>::backward(
          place, extents, dy.batch, Masks::visible, masks.all_places(), static_cast<const T*>(dall.data),
          dtokens.data, w.at(mask_token_at).gradient);
      patches::backward(place, w, kept.projected, reads<Place, embedded>{dtokens});
    }

    template <class Place>
    static void infer(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                      writes<Place, output> y) {
      using T = typename Place::activation;
      const borrowed guard{place.scratch};
      const auto tokens = place.scratch.template take<T, embedded>(x.batch);
      const auto all = place.scratch.template take<T, completed>(x.batch);
      const auto sequence = place.scratch.template take<T, output>(x.batch);
      patches::infer(place, w, masks, x, tokens);
      complete(place, w, masks, tokens, all);
      entrance::infer(place, w, reads<Place, completed>{all}, sequence);
      trunk::infer(place, w.at(trunk_at), reads<Place, output>{sequence}, y);
    }

   private:
    static constexpr std::size_t trunk_at = Encoder::template trunk_at<images>,
                                 mask_token_at = weight_count<Encoder, images>;
    static constexpr kernels::token_extents extents{0, Masks::grid::places, channels_of<embedded>};

    template <class Place>
    static void complete(Place& place, weights<Place> w, const Masks& masks, writes<Place, embedded> tokens,
                         writes<Place, completed> all) {
      using T = typename Place::activation;
      using W = typename Place::weight;
      const W* const mask_token = w.at(mask_token_at).value;
      kernels::restored_tokens<typename Place::device>::forward(
          place, extents, tokens.batch, Masks::visible, masks.all_places(),
          static_cast<const T*>(tokens.data), mask_token, static_cast<const W*>(nullptr), all.data);
    }
  };
};

}  // namespace pretext
