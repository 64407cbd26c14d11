#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/multiply_adds.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/kernels/gelu.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext {

/// A transformer's perceptron: linear to `Ratio` times the width, exact GELU, linear back; (…, D) to (…, D).
/// Paths are timm's: fc1, fc2.
template <std::size_t Ratio = 4, class Start = xavier_uniform>
struct mlp {
  template <Shape In>
  static constexpr std::size_t width = channels_of<In>;
  template <Shape In>
  using widened = linear<Ratio * width<In>, bias::yes, Start>;
  template <Shape In>
  using hidden = output_of<widened<In>, In>;
  template <Shape In>
  using narrowed = linear<width<In>, bias::yes, Start>;

  template <Shape In>
    requires(In::rank == 1 || In::rank == 2)
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    auto first = parameters_of<widened<In>, In>;
    auto second = parameters_of<narrowed<In>, hidden<In>>;
    for (auto& p : first) p = p.under("fc1", 0);
    for (auto& p : second) p = p.under("fc2", 0);
    return join(first, second);
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return pretext::multiply_adds<widened<In>, In> + pretext::multiply_adds<narrowed<In>, hidden<In>>;
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> x;
    reads<Place, hidden<In>> slope, activated;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    forward_without_bias(place, w, x, y, kept);
    add_bias(place, w, y);
  }

  /// All but the last constant, which a residual sum adds on its way.
  template <class Place, Shape In>
  static void forward_without_bias(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                                   cache<In, Place>& kept) {
    using T = typename Place::activation;
    const auto inside = place.kept.template take<T, hidden<In>>(x.batch);
    const auto activated = place.kept.template take<T, hidden<In>>(x.batch);
    run(place, w, x, inside, activated, inside.data, y);  // the derivative takes the place of what it is of
    kept.x = x;
    kept.slope = inside;
    kept.activated = activated;
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    using T = typename Place::activation;
    constexpr std::size_t wide = channels_of<hidden<In>>;
    const borrowed guard{place.scratch};
    const auto dinside = place.scratch.template take<T, hidden<In>>(dy.batch);
    cache_of<narrowed<In>, hidden<In>, Place> last{kept.activated};
    narrowed<In>::backward(place, w.at(last_at<In>), last, dy, dinside);
    kernels::gelu<typename Place::device>::backward(place, dy.batch * places_of<In>, wide, kept.slope.data,
                                                    reads<Place, hidden<In>>{dinside}.data, dinside.data,
                                                    w.at(wide * width<In>).gradient);
    cache_of<linear<wide, bias::no>, In, Place> first{kept.x};
    linear<wide, bias::no>::backward(place, w, first, reads<Place, hidden<In>>{dinside}, dx);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    infer_without_bias(place, w, x, y);
    add_bias(place, w, y);
  }

  template <class Place, Shape In>
  static void infer_without_bias(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto inside = place.scratch.template take<T, hidden<In>>(x.batch);
    run(place, w, x, inside, inside, static_cast<T*>(nullptr), y);
  }

  /// The last constant.
  template <class Place, Shape In>
  static const typename Place::weight* last_bias(weights<Place> w) {
    return w.at(last_at<In> + Ratio * width<In> * width<In>).value;
  }

 private:
  template <Shape In>
  static constexpr std::size_t last_at = weight_count<widened<In>, In>;

  template <class Place, Shape In, Shape Hidden, class T>
  static void run(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, Hidden> inside,
                  writes<Place, Hidden> activated, T* slope, writes<Place, In> y) {
    constexpr std::size_t wide = channels_of<Hidden>;
    const typename Place::weight* bias_of_first = w.at(wide * width<In>).value;
    linear<wide, bias::no>::infer(place, w, x, inside);
    kernels::gelu<typename Place::device>::forward(place, y.batch * places_of<In>, wide,
                                                   reads<Place, Hidden>{inside}.data, bias_of_first,
                                                   activated.data, slope);
    linear<width<In>, bias::no>::infer(place, w.at(last_at<In>), reads<Place, Hidden>{activated}, y);
  }

  template <class Place, Shape In>
  static void add_bias(Place& place, weights<Place> w, writes<Place, In> y) {
    kernels::row_bias<typename Place::device>::add(place, y.batch * places_of<In>, width<In>,
                                                   last_bias<Place, In>(w), y.data);
  }
};

}  // namespace pretext
