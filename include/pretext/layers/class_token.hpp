#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/tokens.hpp>
#include <pretext/layers/positions.hpp>

namespace pretext {

/// Prepends a learned class token to the tokens of a grid and adds everybody's position: (L, D) to (1 + L,
/// D), or for chosen places of the grid (K, D) to (1 + K, D). Paths are timm's: cls_token, pos_embed.
/// `Recipe` says how they start and whether they decay; see encoders/vit.hpp.
template <std::size_t Rows, std::size_t Columns, class Recipe>
struct class_token {
  static constexpr std::size_t places = Rows * Columns;

  template <Shape In>
    requires(In::rank == 2 && In::extents[0] <= places)
  using output = shape<1 + In::extents[0], channels_of<In>>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr std::size_t width = channels_of<In>;
    return std::array{
        parameter{"cls_token", {1, 1, width}, Recipe::class_token, Recipe::token_decay},
        position_table<Rows, Columns, width, Recipe::position>("pos_embed", Recipe::position_decay)};
  }

  template <Shape In, class Place>
  struct cache {
    kernels::choice chosen;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept) {
    forward(place, w, x, y, kept, {In::extents[0]});
  }

  /// For tokens of chosen places: `chosen.count` of them in each sample, on the device.
  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                      cache<In, Place>& kept, kernels::choice chosen) {
    kept.chosen = chosen;
    infer(place, w, x, y, chosen);
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, output<In>> dy,
                       writes<Place, In> dx) {
    constexpr std::size_t width = channels_of<In>;
    typename Place::weight* dpositions = w.at(width).gradient;
    if (Recipe::position == positions::fixed) dpositions = nullptr;
    kernels::token_sequence<typename Place::device>::backward(place, dy.batch, width, kept.chosen, dy.data,
                                                              dx.data, w.gradient, dpositions);
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y) {
    infer(place, w, x, y, {In::extents[0]});
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, output<In>> y,
                    kernels::choice chosen) {
    using W = typename Place::weight;
    constexpr std::size_t width = channels_of<In>;
    kernels::token_sequence<typename Place::device>::forward(
        place, x.batch, width, chosen, x.data, static_cast<const W*>(w.value),
        static_cast<const W*>(w.at(width).value), y.data);
  }
};

}  // namespace pretext
