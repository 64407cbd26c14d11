#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/layer_norm.hpp>

namespace pretext {

/// Normalises the last extent of each place to mean 0 and variance 1, then scales and shifts it (Ba et al.
/// 2016). ε is 1e-6, vision transformers' number; torch's own default is 1e-5.
struct layer_norm {
  static constexpr double epsilon = 1e-6;

  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return std::array{parameter{"weight", {channels_of<In>}, initialiser::constant(1), decay::no},
                      parameter{"bias", {channels_of<In>}, initialiser::constant(0), decay::no}};
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> x;
    typename Place::weight *mean = nullptr, *inverse = nullptr;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    using W = typename Place::weight;
    kept.x = x;
    kept.mean = place.kept.template take<W>(x.batch * places_of<In>);
    kept.inverse = place.kept.template take<W>(x.batch * places_of<In>);
    run(place, w, x, y, kept.mean, kept.inverse);
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    backward(place, w, kept, dy, dx, reads<Place, In>{});
  }

  /// dx = shortcut + the gradient: the sum where a residual branch began. `dx` may be the shortcut's memory.
  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx, reads<Place, In> shortcut) {
    const typename Place::weight *gamma = w.value, *mean = kept.mean, *inverse = kept.inverse;
    kernels::layer_norm<typename Place::device>::backward(
        place, dy.batch * places_of<In>, channels_of<In>, dy.data, kept.x.data, mean, inverse, gamma,
        shortcut.data, dx.data, w.gradient, w.gradient + channels_of<In>);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    using W = typename Place::weight;
    run(place, w, x, y, static_cast<W*>(nullptr), static_cast<W*>(nullptr));
  }

 private:
  template <class Place, Shape In, class W>
  static void run(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y, W* mean,
                  W* inverse) {
    const W *gamma = w.value, *beta = w.at(channels_of<In>).value;
    kernels::layer_norm<typename Place::device>::forward(place, x.batch * places_of<In>, channels_of<In>,
                                                         x.data, W(epsilon), gamma, beta, y.data, mean,
                                                         inverse);
  }
};

}  // namespace pretext
