#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext {

/// y = max(0, x).
struct relu {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> y;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    infer(place, w, x, y);
    kept.y = y;
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place>, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    if (!dx.data) return;
    kernels::relu<typename Place::device>::backward(place, dy.size(), kept.y.data, dy.data, dx.data);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place>, reads<Place, In> x, writes<Place, In> y) {
    kernels::relu<typename Place::device>::forward(place, x.size(), x.data, y.data);
  }
};

}  // namespace pretext
