#pragma once
#include <cstddef>
#include <cstdint>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/drop_path.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/attention.hpp>
#include <pretext/layers/drop_path.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/mlp.hpp>

namespace pretext {

/// x + attention(norm1(x)), then x + mlp(norm2(x)): a pre-norm block over tokens, (T, D) to (T, D)
/// (Dosovitskiy et al. 2021, eq. 2-3). Paths are timm's: norm1, attn, norm2, mlp.
template <std::size_t Heads, std::size_t Ratio = 4, class Start = xavier_uniform>
struct transformer_block {
  using mixer = attention<Heads, Start>;
  using perceptron = mlp<Ratio, Start>;

  template <Shape In>
    requires Accepts<mixer, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    auto norm1 = parameters_of<layer_norm, In>, norm2 = norm1;
    auto attn = parameters_of<mixer, In>;
    auto mlp = parameters_of<perceptron, In>;
    for (auto& p : norm1) p = p.under("norm1", 0);
    for (auto& p : attn) p = p.under("attn", 0);
    for (auto& p : norm2) p = p.under("norm2", 0);
    for (auto& p : mlp) p = p.under("mlp", 0);
    return join(norm1, attn, norm2, mlp);
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return pretext::multiply_adds<mixer, In> + pretext::multiply_adds<perceptron, In>;
  }

  template <Shape In, class Place>
  struct cache {
    cache_of<layer_norm, In, Place> norm1, norm2;
    cache_of<mixer, In, Place> attn;
    cache_of<perceptron, In, Place> mlp;
    const typename Place::weight *keep_attn = nullptr, *keep_mlp = nullptr;
  };

  /// `drop` is the rate at which both branches are left out, `index` tells the blocks of a network apart.
  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept, double drop = 0, std::size_t index = 0) {
    using T = typename Place::activation;
    const auto normed1 = place.kept.template take<T, In>(x.batch);
    const auto normed2 = place.kept.template take<T, In>(x.batch);
    const auto middle = place.kept.template take<T, In>(x.batch);
    const auto draw = static_cast<std::uint32_t>(2 * index);
    kept.keep_attn = drop_path::factors(place, x.batch, drop, draw);
    kept.keep_mlp = drop_path::factors(place, x.batch, drop, draw + 1);

    layer_norm::forward(place, w, x, normed1, kept.norm1);
    mixer::forward(place, w.at(attn_at<In>), reads<Place, In>{normed1}, middle, kept.attn,
                   sum<Place>(x, kept.keep_attn));
    layer_norm::forward(place, w.at(norm2_at<In>), reads<Place, In>{middle}, normed2, kept.norm2);
    perceptron::forward(place, w.at(mlp_at<In>), reads<Place, In>{normed2}, y, kept.mlp,
                        sum<Place>(reads<Place, In>{middle}, kept.keep_mlp));
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto dnormed = place.scratch.template take<T, In>(dy.batch);
    const auto dmiddle = place.scratch.template take<T, In>(dy.batch);
    perceptron::backward(place, w.at(mlp_at<In>), kept.mlp, scaled(place, kept.keep_mlp, dy, dmiddle),
                         dnormed);
    layer_norm::backward(place, w.at(norm2_at<In>), kept.norm2, reads<Place, In>{dnormed}, dmiddle, dy);
    {
      const borrowed inner{place.scratch};
      const auto dbranch = place.scratch.template take<T, In>(kept.keep_attn ? dy.batch : 0);
      mixer::backward(
          place, w.at(attn_at<In>), kept.attn,
          scaled(place, kept.keep_attn, reads<Place, In>{dmiddle}, writes<Place, In>{dbranch.data, dy.batch}),
          dnormed);
    }
    layer_norm::backward(place, w, kept.norm1, reads<Place, In>{dnormed}, dx, reads<Place, In>{dmiddle});
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    using T = typename Place::activation;
    const borrowed guard{place.scratch};
    const auto normed = place.scratch.template take<T, In>(x.batch);
    const auto middle = place.scratch.template take<T, In>(x.batch);
    layer_norm::infer(place, w, x, normed);
    mixer::infer(place, w.at(attn_at<In>), reads<Place, In>{normed}, middle, sum<Place>(x, nullptr));
    layer_norm::infer(place, w.at(norm2_at<In>), reads<Place, In>{middle}, normed);
    perceptron::infer(place, w.at(mlp_at<In>), reads<Place, In>{normed}, y,
                      sum<Place>(reads<Place, In>{middle}, nullptr));
  }

 private:
  template <Shape In>
  static constexpr std::size_t attn_at = weight_count<layer_norm, In>;
  template <Shape In>
  static constexpr std::size_t norm2_at = attn_at<In> + weight_count<mixer, In>;
  template <Shape In>
  static constexpr std::size_t mlp_at = norm2_at<In> + weight_count<layer_norm, In>;

  /// The sum at the end of a branch.
  template <class Place, Shape In>
  static around_product<Place> sum(reads<Place, In> shortcut, const typename Place::weight* keep) {
    return {.shortcut = shortcut.data, .keep = keep, .tokens = places_of<In>};
  }

  /// The gradient that enters a branch: dy itself where no path was dropped.
  template <class Place, Shape In>
  static reads<Place, In> scaled(Place& place, const typename Place::weight* keep, reads<Place, In> dy,
                                 writes<Place, In> into) {
    if (!keep) return dy;
    kernels::drop_path<typename Place::device>::scale(place, dy.batch, In::size, keep, dy.data, into.data);
    return into;
  }
};

}  // namespace pretext
