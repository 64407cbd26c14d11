#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/attention.hpp>
#include <pretext/layers/linear.hpp>

namespace pretext {

/// Multi-head self-attention over tokens, (T, D) to (T, D) (Vaswani et al. 2017, §3.2.2): one linear layer
/// makes queries, keys and values, one more mixes the heads. Paths are timm's: qkv, proj.
template <std::size_t Heads, class Start = xavier_uniform>
struct attention {
  template <Shape In>
    requires(In::rank == 2 && channels_of<In> % Heads == 0)
  using output = In;

  template <Shape In>
  static constexpr kernels::attention_extents extents{In::extents[0], In::extents[1], Heads};
  template <Shape In>
  using joined = shape<In::extents[0], 3 * channels_of<In>>;
  template <Shape In>
  using entrance = linear<3 * channels_of<In>, bias::yes, Start>;
  template <Shape In>
  using exit = linear<channels_of<In>, bias::yes, Start>;

  template <Shape In>
  static consteval auto parameters() {
    auto qkv = parameters_of<entrance<In>, In>;
    auto proj = parameters_of<exit<In>, In>;
    for (auto& p : qkv) p = p.under("qkv", 0);
    for (auto& p : proj) p = p.under("proj", 0);
    return join(qkv, proj);
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return pretext::multiply_adds<entrance<In>, In> + pretext::multiply_adds<exit<In>, In> +
           2 * In::extents[0] * In::size;
  }

  template <Shape In, class Place>
  struct cache {
    cache_of<entrance<In>, In, Place> entered;
    reads<Place, joined<In>> qkv;
    reads<Place, In> mixed;
    typename Place::weight* log_sum = nullptr;
  };

  /// `around` is a residual sum that the result enters.
  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept, const around_product<Place>& around = {}) {
    using T = typename Place::activation;
    const auto qkv = place.kept.template take<T, joined<In>>(x.batch);
    const auto mixed = place.kept.template take<T, In>(x.batch);
    kept.log_sum = place.kept.template take<typename Place::weight>(x.batch * Heads * In::extents[0]);
    entrance<In>::forward(place, w, x, qkv, kept.entered);
    run(place, w, qkv, mixed, kept.log_sum, y, around);
    kept.qkv = qkv;
    kept.mixed = mixed;
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto dmixed = place.scratch.template take<T, In>(dy.batch);
    const auto dqkv = place.scratch.template take<T, joined<In>>(dy.batch);
    cache_of<exit<In>, In, Place> left{kept.mixed};
    exit<In>::backward(place, w.at(exit_at<In>), left, dy, dmixed);
    kernels::attention<typename Place::device>::backward(
        place, extents<In>, dy.batch, kept.qkv.data, kept.mixed.data,
        static_cast<const typename Place::weight*>(kept.log_sum), reads<Place, In>{dmixed}.data, dqkv.data);
    entrance<In>::backward(place, w, kept.entered, reads<Place, joined<In>>{dqkv}, dx);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                    const around_product<Place>& around = {}) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto qkv = place.scratch.template take<T, joined<In>>(x.batch);
    const auto mixed = place.scratch.template take<T, In>(x.batch);
    entrance<In>::infer(place, w, x, qkv);
    run(place, w, qkv, mixed, static_cast<typename Place::weight*>(nullptr), y, around);
  }

 private:
  template <Shape In>
  static constexpr std::size_t exit_at = weight_count<entrance<In>, In>;

  template <class Place, Shape Joined, Shape In>
  static void run(Place& place, weights<Place> w, writes<Place, Joined> qkv, writes<Place, In> mixed,
                  typename Place::weight* log_sum, writes<Place, In> y, const around_product<Place>& around) {
    kernels::attention<typename Place::device>::forward(place, extents<In>, y.batch,
                                                        reads<Place, Joined>{qkv}.data, mixed.data, log_sum);
    exit<In>::infer(place, w.at(exit_at<In>), reads<Place, In>{mixed}, y, around);
  }
};

}  // namespace pretext
