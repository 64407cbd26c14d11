#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/linear.hpp>
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

  /// `around` is a residual sum that the result enters.
  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept, const around_product<Place>& around = {}) {
    using T = typename Place::activation;
    const auto slope = place.kept.template take<T, hidden<In>>(x.batch);
    const auto activated = place.kept.template take<T, hidden<In>>(x.batch);
    run(place, w, x, activated, slope.data, y, around);
    kept.x = x;
    kept.slope = slope;
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
    narrowed<In>::backward(place, w.at(last_at<In>), last, dy, writes<Place, hidden<In>>{nullptr, dy.batch});
    kernels::linear<typename Place::device>::backward_gelu(
        place, {dy.batch * places_of<In>, wide, width<In>}, dy.data, w.at(last_at<In>).factors(),
        kept.slope.data, dinside.data, w.at(wide * width<In>).gradient);
    cache_of<linear<wide, bias::no>, In, Place> first{kept.x};
    linear<wide, bias::no>::backward(place, w, first, reads<Place, hidden<In>>{dinside}, dx);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                    const around_product<Place>& around = {}) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto activated = place.scratch.template take<T, hidden<In>>(x.batch);
    run(place, w, x, activated, static_cast<T*>(nullptr), y, around);
  }

 private:
  template <Shape In>
  static constexpr std::size_t last_at = weight_count<widened<In>, In>;

  template <class Place, Shape In, Shape Hidden, class T>
  static void run(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, Hidden> activated,
                  T* slope, writes<Place, In> y, const around_product<Place>& around) {
    using W = typename Place::weight;
    constexpr std::size_t wide = channels_of<Hidden>;
    kernels::linear<typename Place::device>::forward_gelu(
        place, {y.batch * places_of<In>, width<In>, wide}, x.data, w.factors(),
        static_cast<const W*>(w.at(wide * width<In>).value), activated.data, slope);
    narrowed<In>::infer(place, w.at(last_at<In>), reads<Place, Hidden>{activated}, y, around);
  }
};

}  // namespace pretext
