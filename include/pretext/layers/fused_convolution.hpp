#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/convolution.hpp>

namespace pretext {

/// What follows a normalisation.
enum class activation { none, relu };

/// convolution -> batch norm -> (+ shortcut) -> ReLU as one layer: statistics are taken while the convolution
/// writes where a device can; what it gave is kept, and backward writes its gradient in the same place. In
/// inference the normalisation is folded into the weights.
template <name ConvolutionName, name NormName, class Convolution, activation Activation = activation::relu,
          initial_scale Start = initial_scale::one>
struct fused_convolution {
  using norm = detail::normalisation<affine::both, Start>;
  static constexpr bool rectified = Activation == activation::relu;

  template <ImageShape In>
  using output = output_of<Convolution, In>;

  template <ImageShape In>
  static constexpr std::size_t channels = channels_of<output<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    auto first = parameters_of<Convolution, In>;
    auto second = lay_out(norm::template parameters<channels<In>>());
    for (auto& p : first) p = p.under(ConvolutionName, 0);
    for (auto& p : second) p = p.under(NormName, 0);
    return join(first, second);
  }

  template <ImageShape In>
  static consteval std::size_t multiply_adds() {
    return pretext::multiply_adds<Convolution, In>;
  }

  template <ImageShape In, class Place>
  struct cache {
    cache_of<Convolution, In, Place> convolution;
    writes<Place, output<In>> convolved;
    reads<Place, output<In>> added;  ///< the output, where a shortcut was added before the ReLU
    typename norm::template cache<Place> norm_kept;
  };

  template <class Place, ImageShape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept) {
    forward(place, w, x, reads<Place, output<In>>{}, y, kept);
  }

  /// With a shortcut that is added before the ReLU; null means none.
  template <class Place, ImageShape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, reads<Place, output<In>> shortcut,
                      writes<Place, output<In>> y, cache<In, Place>& kept) {
    const auto convolved = place.kept.template take<typename Place::activation, output<In>>(x.batch);
    const auto normalise = [&](const auto&... moments) {
      Convolution::forward(place, w, x, convolved, kept.convolution, moments...);
      norm::template forward<channels<In>>(
          place, w.at(weight_count<Convolution, In>).value, rows<In>(x.batch), moments...,
          reads<Place, output<In>>{convolved}.data, shortcut.data, rectified, y.data, kept.norm_kept);
    };
    if constexpr (requires(const kernels::channel_moments& moments) {
                    Convolution::forward(place, w, x, convolved, kept.convolution, moments);
                  }) {
      const borrowed guard{place.scratch};
      normalise(kernels::batch_norm<typename Place::device>::room(place, place.groups, channels<In>));
    } else {
      normalise();
    }
    kept.convolved = convolved;
    kept.added = shortcut.data ? y : writes<Place, output<In>>{};
  }

  /// The output of `forward` without a shortcut once more, bit for bit.
  template <class Place, ImageShape In>
  static void again(Place& place, weights<Place> w, const cache<In, Place>& kept,
                    writes<Place, output<In>> y) {
    using T = typename Place::activation;
    norm::template again<channels<In>>(place, w.at(weight_count<Convolution, In>).value, rows<In>(y.batch),
                                       reads<Place, output<In>>{kept.convolved}.data,
                                       static_cast<const T*>(nullptr), rectified, y.data, kept.norm_kept);
  }

  /// Where the input of `forward` is by now.
  template <class Place, ImageShape In>
  static void input_is(cache<In, Place>& kept, reads<Place, In> x) {
    kept.convolution.x = x;
  }

  template <class Place, ImageShape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx) {
    backward(place, w, kept, dy, dx, kernels::into::overwrite);
  }

  /// dx may be added to what is there, or written where x is; the shortcut's gradient is written if asked
  /// for, where dy is if need be.
  template <class Place, ImageShape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx, kernels::into mode, writes<Place, output<In>> dshortcut = {}) {
    const reads<Place, output<In>> convolved{kept.convolved};
    norm::template backward<channels<In>>(place, w.at(weight_count<Convolution, In>), kept.norm_kept,
                                          rows<In>(dy.batch), dy.data, rectified, kept.added.data,
                                          convolved.data, kept.convolved.data, dshortcut.data);
    Convolution::backward(place, w, kept.convolution, convolved, dx, mode);
  }

  template <class Place, ImageShape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y) {
    infer(place, w, x, reads<Place, output<In>>{}, y);
  }

  template <class Place, ImageShape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, reads<Place, output<In>> shortcut,
                    writes<Place, output<In>> y) {
    using T = typename Place::activation;
    constexpr std::size_t C = channels<In>, kernel = weight_count<Convolution, In>;
    const borrowed guard{place.scratch};
    T* folded = place.scratch.template take<T>(kernel);
    using W = typename Place::weight;
    W *const scale = place.scratch.template take<W>(C), *const shift = place.scratch.template take<W>(C);
    norm::template running<C>(place, w.at(kernel).value, scale, shift);
    kernels::batch_norm<typename Place::device>::scale_columns(place, kernel / C, C, w.value, scale, folded);
    Convolution::infer(place, weights<Place>::of_factors(folded), x, y);
    kernels::batch_norm<typename Place::device>::apply(
        place, rows<In>(x.batch), C, 1, reads<Place, output<In>>{y}.data, static_cast<const W*>(nullptr),
        shift, shortcut.data, rectified, y.data);
  }

 private:
  template <ImageShape In>
  static constexpr std::size_t rows(std::size_t batch) {
    return batch * places_of<output<In>>;
  }
};

}  // namespace pretext
