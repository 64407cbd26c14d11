#pragma once
#include <pretext/core/concepts.hpp>
#include <pretext/kernels/batch_norm.hpp>
#include <pretext/kernels/channel_moments.hpp>

namespace pretext {

/// What batch norm learns: scale γ and shift β, γ alone (the end of SimCLR's official head), or nothing.
enum class affine { both, scale, none };

/// Where γ starts: one, or zero for the last of a residual branch (Goyal et al. 2017).
enum class initial_scale { one, zero };

namespace detail {

/// Batch norm's mathematics for whoever keeps its tensors: the layer, and the fused convolution unit.
/// Slice of the flat buffer: [γ] [β] running mean, running variance, as in torch.
template <affine Affine, initial_scale Start>
struct normalisation {
  static constexpr bool scaled = Affine != affine::none, shifted = Affine == affine::both;
  static constexpr double epsilon = 1e-5, momentum = 0.1;  // torch's; 0.9 in TensorFlow's words

  template <std::size_t C>
  static consteval auto parameters() {
    constexpr std::size_t learned = (scaled ? 1 : 0) + (shifted ? 1 : 0);
    pretext::parameters<learned + 2> table{};
    std::size_t row = 0;
    if (scaled)
      table[row++] =
          parameter{"weight", {C}, initialiser::constant(Start == initial_scale::one ? 1 : 0), decay::no};
    if (shifted) table[row++] = parameter{"bias", {C}, initialiser::constant(0), decay::no};
    table[row++] = parameter{"running_mean", {C}, initialiser::constant(0), decay::no, role::running};
    table[row++] = parameter{"running_var", {C}, initialiser::constant(1), decay::no, role::running};
    return table;
  }

  /// The pieces of the slice, null where not learned.
  template <std::size_t C, class W>
  struct pieces {
    W *weight, *bias, *running_mean, *running_variance;
    explicit pieces(W* slice)
        : weight{slice && scaled ? slice : nullptr},
          bias{slice && shifted ? slice + C : nullptr},
          running_mean{slice ? slice + (scaled ? C : 0) + (shifted ? C : 0) : nullptr},
          running_variance{running_mean ? running_mean + C : nullptr} {}
  };

  template <class Place>
  struct cache {
    std::size_t groups = 1;
    typename Place::weight *mean = nullptr, *inverse = nullptr;
  };

  /// y = norm(x) (+ shortcut), rectified if asked; updates the running statistics.
  template <std::size_t C, class Place, class T>
  static void forward(Place& place, typename Place::weight* slice, std::size_t rows, const T* x,
                      const T* shortcut, bool relu, T* y, cache<Place>& kept) {
    using W = typename Place::weight;
    const pieces<C, W> own{slice};
    begin<C>(place, kept);
    kernels::batch_norm<typename Place::device>::statistics(place, rows, C, kept.groups, x, W(epsilon),
                                                            kept.mean, kept.inverse, W(momentum),
                                                            own.running_mean, own.running_variance);
    again<C>(place, slice, rows, x, shortcut, relu, y, kept);
  }

  /// The same where the moments of x are known.
  template <std::size_t C, class Place, class T>
  static void forward(Place& place, typename Place::weight* slice, std::size_t rows,
                      const kernels::channel_moments& moments, const T* x, const T* shortcut, bool relu, T* y,
                      cache<Place>& kept) {
    using W = typename Place::weight;
    const pieces<C, W> own{slice};
    begin<C>(place, kept);
    kernels::batch_norm<typename Place::device>::settle(rows, C, moments, W(epsilon), kept.mean, kept.inverse,
                                                        W(momentum), own.running_mean, own.running_variance);
    again<C>(place, slice, rows, x, shortcut, relu, y, kept);
  }

  /// The y of `forward` once more, bit for bit, from what it left behind.
  template <std::size_t C, class Place, class T>
  static void again(Place& place, typename Place::weight* slice, std::size_t rows, const T* x,
                    const T* shortcut, bool relu, T* y, const cache<Place>& kept) {
    using kernel = kernels::batch_norm<typename Place::device>;
    using W = typename Place::weight;
    const pieces<C, W> own{slice};
    const borrowed guard{place.scratch};
    W* const scale = place.scratch.template take<W>(kept.groups * C);
    W* const shift = place.scratch.template take<W>(kept.groups * C);
    kernel::fold(place, C, kept.groups, kept.mean, kept.inverse, own.weight, own.bias, scale, shift);
    kernel::apply(place, rows, C, kept.groups, x, scale, shift, shortcut, relu, y);
  }

  /// dx (and dshortcut) of the same; `y` may be null where no shortcut was added. dx may be x, and dshortcut
  /// may be dy.
  template <std::size_t C, class Place, class T>
  static void backward(Place& place, weights<Place> w, const cache<Place>& kept, std::size_t rows,
                       const T* dy, bool relu, const T* y, const T* x, T* dx, T* dshortcut) {
    const pieces<C, typename Place::weight> own{w.value}, slope{w.gradient};
    kernels::batch_norm<typename Place::device>::backward(place, rows, C, kept.groups, dy, relu, y, x,
                                                          kept.mean, kept.inverse, own.weight, own.bias,
                                                          slope.weight, slope.bias, dx, dshortcut);
  }

  /// Inference as one scale and one shift per channel, from the running statistics.
  template <std::size_t C, class Place, class W>
  static void running(Place& place, W* slice, W* scale, W* shift) {
    const pieces<C, W> own{slice};
    kernels::batch_norm<typename Place::device>::running(place, C, own.running_mean, own.running_variance,
                                                         W(epsilon), own.weight, own.bias, scale, shift);
  }

 private:
  template <std::size_t C, class Place>
  static void begin(Place& place, cache<Place>& kept) {
    using W = typename Place::weight;
    kept.groups = place.groups;
    kept.mean = place.kept.template take<W>(kept.groups * C);
    kept.inverse = place.kept.template take<W>(kept.groups * C);
  }
};

}  // namespace detail

/// Normalises each channel over the batch and all places (Ioffe & Szegedy 2015), with torch's ε = 1e-5 and
/// running statistics (momentum 0.1, unbiased variance). `place.groups` parts of the batch are normalised
/// apart.
template <affine Affine = affine::both, initial_scale Start = initial_scale::one>
struct batch_norm {
  using math = detail::normalisation<Affine, Start>;

  template <Shape In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    return math::template parameters<channels_of<In>>();
  }

  template <Shape In, class Place>
  struct cache {
    reads<Place, In> x;
    typename math::template cache<Place> norm;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    kept.x = x;
    math::template forward<channels_of<In>>(place, w.value, x.batch * places_of<In>, x.data,
                                            static_cast<const typename Place::activation*>(nullptr), false,
                                            y.data, kept.norm);
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    T* to = dx.data ? dx.data : place.scratch.template take<T>(dy.size());
    math::template backward<channels_of<In>>(place, w, kept.norm, dy.batch * places_of<In>, dy.data, false,
                                             static_cast<const T*>(nullptr), kept.x.data, to,
                                             static_cast<T*>(nullptr));
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    using T = typename Place::activation;
    constexpr std::size_t C = channels_of<In>;
    const borrowed guard{place.scratch};
    using W = typename Place::weight;
    W *const scale = place.scratch.template take<W>(C), *const shift = place.scratch.template take<W>(C);
    math::template running<C>(place, w.value, scale, shift);
    kernels::batch_norm<typename Place::device>::apply(place, x.batch * places_of<In>, C, 1, x.data, scale,
                                                       shift, static_cast<const T*>(nullptr), false, y.data);
  }
};

}  // namespace pretext
