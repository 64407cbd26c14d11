#pragma once
#include <concepts>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/elementwise.hpp>

namespace pretext {

/// y = x + Body(x). Adds no name of its own: the body's parameters keep theirs.
template <class Body>
struct residual {
  template <Shape In>
    requires std::same_as<output_of<Body, In>, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return Body::template parameters<In>();
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return pretext::multiply_adds<Body, In>;
  }

  template <Shape In, class Place>
  struct cache {
    cache_of<Body, In, Place> body;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    // Not `y`: the body may have kept a view of its own output, and the sum must not overwrite it.
    const auto branch = place.kept.template take<typename Place::activation, In>(x.batch);
    Body::forward(place, w, x, branch, kept.body);
    add(place, x, branch, y);
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    Body::backward(place, w, kept.body, dy, dx);
    if (dx.data)
      kernels::blend<typename Place::device>::axpy(place, dy.size(), typename Place::activation{1}, dy.data,
                                                   dx.data);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    const borrowed guard{place.scratch};
    const auto branch = place.scratch.template take<typename Place::activation, In>(x.batch);
    Body::infer(place, w, x, branch);
    add(place, x, branch, y);
  }

 private:
  template <class Place, Shape In>
  static void add(Place& place, reads<Place, In> x, writes<Place, In> branch, writes<Place, In> y) {
    using blend = kernels::blend<typename Place::device>;
    blend::copy(place, x.size(), x.data, y.data);
    blend::axpy(place, x.size(), typename Place::activation{1}, branch.data, y.data);
  }
};

}  // namespace pretext
