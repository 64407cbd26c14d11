#pragma once
#include <concepts>
#include <cstddef>

#include <pretext/layers/fused_convolution.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext {

/// y = relu(Last(Before(x)) + shortcut(x)): Last is a fused convolution that adds the shortcut; the shortcut
/// is the identity where shapes agree and `AlwaysProjects` is false, else a 1×1 convolution with batch norm
/// (He et al. 2016, option B). What is between Before and Last is not kept: backward asks Before for it
/// `again`. Paths are torchvision's: what Before and Last call themselves, then downsample.0 and
/// downsample.1.
template <class Before, class Last, std::size_t Stride, bool AlwaysProjects = false>
struct residual_block {
  template <ImageShape In>
  using middle = output_of<Before, In>;
  template <ImageShape In>
  using output = output_of<Last, middle<In>>;

  template <ImageShape In>
  static constexpr bool projects = AlwaysProjects || !std::same_as<In, output<In>>;
  template <ImageShape In>
  using projection = fused_convolution<"downsample.0", "downsample.1",
                                       convolution<channels_of<output<In>>, 1, Stride, 0>, activation::none>;

  /// Backward may write dx where dy is.
  template <ImageShape In>
  static constexpr bool in_place = !projects<In>;

  template <ImageShape In>
  static consteval auto parameters() {
    if constexpr (projects<In>)
      return join(parameters_of<Before, In>, parameters_of<Last, middle<In>>,
                  parameters_of<projection<In>, In>);
    else
      return join(parameters_of<Before, In>, parameters_of<Last, middle<In>>);
  }

  template <ImageShape In>
  static consteval std::size_t multiply_adds() {
    const std::size_t branch = pretext::multiply_adds<Before, In> + pretext::multiply_adds<Last, middle<In>>;
    if constexpr (projects<In>) return branch + pretext::multiply_adds<projection<In>, In>;
    return branch;
  }

  struct no_cache {};
  template <ImageShape In, class Place, bool Projects = projects<In>>
  struct projection_cache {
    using type = no_cache;
  };
  template <ImageShape In, class Place>
  struct projection_cache<In, Place, true> {
    using type = cache_of<projection<In>, In, Place>;
  };

  template <ImageShape In, class Place>
  struct cache {
    cache_of<Before, In, Place> before;
    cache_of<Last, middle<In>, Place> last;
    typename projection_cache<In, Place>::type shortcut;
  };

  template <class Place, ImageShape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto inside = place.scratch.template take<T, middle<In>>(x.batch);
    Before::forward(place, w, x, inside, kept.before);
    if constexpr (projects<In>) {
      const auto shortcut = place.scratch.template take<T, output<In>>(x.batch);
      projection<In>::forward(place, w.at(projection_at<In>), x, shortcut, kept.shortcut);
      Last::forward(place, w.at(last_at<In>), reads<Place, middle<In>>{inside},
                    reads<Place, output<In>>{shortcut}, y, kept.last);
    } else {
      Last::forward(place, w.at(last_at<In>), reads<Place, middle<In>>{inside}, x, y, kept.last);
    }
  }

  template <class Place, ImageShape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx) {
    if constexpr (projects<In>) {
      const borrowed guard{place.scratch};
      backward(place, w, kept, dy, dx,
               place.scratch.template take<typename Place::activation, output<In>>(dy.batch));
    } else {
      backward(place, w, kept, dy, dx, dx);
    }
  }

  /// The same with nothing left of dy.
  template <class Place, ImageShape In>
  static void backward_over(Place& place, weights<Place> w, cache<In, Place>& kept,
                            writes<Place, output<In>> dy, writes<Place, In> dx) {
    const reads<Place, output<In>> gradient{dy};
    if constexpr (projects<In>)
      backward(place, w, kept, gradient, dx, dy);
    else
      backward(place, w, kept, gradient, dx, dx);
  }

  template <class Place, ImageShape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto inside = place.scratch.template take<T, middle<In>>(x.batch);
    Before::infer(place, w, x, inside);
    if constexpr (projects<In>) {
      const auto shortcut = place.scratch.template take<T, output<In>>(x.batch);
      projection<In>::infer(place, w.at(projection_at<In>), x, shortcut);
      Last::infer(place, w.at(last_at<In>), reads<Place, middle<In>>{inside},
                  reads<Place, output<In>>{shortcut}, y);
    } else {
      Last::infer(place, w.at(last_at<In>), reads<Place, middle<In>>{inside}, x, y);
    }
  }

 private:
  /// dshortcut may be dy; it is dx where the shortcut is the identity.
  template <class Place, ImageShape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx, writes<Place, output<In>> dshortcut) {
    using T = typename Place::activation;
    constexpr auto overwrite = kernels::into::overwrite, accumulate = kernels::into::accumulate;
    const borrowed guard{place.scratch};
    const auto inside = place.scratch.template take<T, middle<In>>(dy.batch), dinside = inside;
    Before::again(place, w, kept.before, inside);
    Last::input_is(kept.last, reads<Place, middle<In>>{inside});
    Last::backward(place, w.at(last_at<In>), kept.last, dy, dinside, overwrite, dshortcut);
    if constexpr (projects<In>)
      projection<In>::backward(place, w.at(projection_at<In>), kept.shortcut,
                               reads<Place, output<In>>{dshortcut}, dx);
    Before::backward(place, w, kept.before, reads<Place, middle<In>>{dinside}, dx, accumulate);
  }

  template <ImageShape In>
  static constexpr std::size_t last_at = weight_count<Before, In>;
  template <ImageShape In>
  static constexpr std::size_t projection_at = last_at<In> + weight_count<Last, middle<In>>;
};

}  // namespace pretext
