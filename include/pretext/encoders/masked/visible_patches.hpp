#pragma once
#include <pretext/core/macs.hpp>
#include <pretext/kernels/patches.hpp>
#include <pretext/masking/masks.hpp>

namespace pretext {

/// An encoder's patch embedding on the visible patches alone: their pixels are gathered and projected,
/// nothing is computed for hidden ones. Images to (visible, D), in the masks' order.
template <class Encoder, class Masks>
struct visible_patches {
  using images = typename Masks::grid::images;
  using projection = typename Encoder::embedding::projection;
  using rows = shape<Masks::visible, Masks::grid::numbers>;  ///< the pixels
  using output = output_of<projection, rows>;
  static constexpr std::size_t multiply_adds = pretext::multiply_adds<projection, rows>;

  template <class Place>
  using cache = cache_of<projection, rows, Place>;

  /// `w` is the whole encoder's, here and below.
  template <class Place>
  static void forward(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                      writes<Place, output> y, cache<Place>& kept) {
    const auto cut = place.kept.template take<typename Place::activation, rows>(x.batch);
    gather(place, masks, x, cut);
    projection::forward(place, w.at(begin), reads<Place, rows>{cut}, y, kept);
  }

  template <class Place>
  static void backward(Place& place, weights<Place> w, cache<Place>& kept, reads<Place, output> dy) {
    projection::backward(place, w.at(begin), kept, dy, writes<Place, rows>{nullptr, dy.batch});
  }

  template <class Place>
  static void infer(Place& place, weights<Place> w, const Masks& masks, reads<Place, images> x,
                    writes<Place, output> y) {
    const borrowed guard{place.scratch};
    const auto cut = place.scratch.template take<typename Place::activation, rows>(x.batch);
    gather(place, masks, x, cut);
    projection::infer(place, w.at(begin), reads<Place, rows>{cut}, y);
  }

 private:
  static constexpr std::size_t begin = Encoder::template embedding_at<images>;

  template <class Place>
  static void gather(Place& place, const Masks& masks, reads<Place, images> x, writes<Place, rows> cut) {
    kernels::patches<typename Place::device>::gather(place, Masks::grid::extents, x.batch,
                                                     masks.visible_places(), x.data, cut.data);
  }
};

}  // namespace pretext
