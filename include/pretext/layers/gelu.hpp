#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/gelu.hpp>

namespace pretext {

/// y = x·Φ(x), exactly: the form with the error function, not its approximation by tanh (Hendrycks & Gimpel
/// 2016).
struct gelu {
  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return pretext::parameters<0>{};
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> slope;  ///< the derivative at x, nearly free beside the value
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place>, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    const auto slope = place.kept.template take<typename Place::activation, In>(x.batch);
    run(place, x, y, slope.data);
    kept.slope = slope;
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place>, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    if (!dx.data) return;
    kernels::gelu<typename Place::device>::backward(place, dy.batch * places_of<In>, channels_of<In>,
                                                    kept.slope.data, dy.data, dx.data,
                                                    static_cast<typename Place::weight*>(nullptr));
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place>, reads<Place, In> x, writes<Place, In> y) {
    run(place, x, y, static_cast<typename Place::activation*>(nullptr));
  }

 private:
  template <class Place, Shape In, class T>
  static void run(Place& place, reads<Place, In> x, writes<Place, In> y, T* slope) {
    kernels::gelu<typename Place::device>::forward(place, x.batch * places_of<In>, channels_of<In>, x.data,
                                                   static_cast<const typename Place::weight*>(nullptr),
                                                   y.data, slope);
  }
};

}  // namespace pretext
