// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/tokens.hpp>
#include <pretext/layers/positions.hpp>

namespace pretext::inline v0_1 {

/// Prepends a learned class token to the tokens of a grid of patches and adds a position to each token: (L,
/// D) to (1 + L, D), or for K selected patches of the grid (K, D) to (1 + K, D). Parameter paths are timm's:
/// cls_token, pos_embed. `Recipe` declares their initialisers and weight decay; see encoders/vit.hpp.
template <std::size_t Rows, std::size_t Columns, class Recipe>
struct class_token {
  static constexpr std::size_t patches = Rows * Columns;

  template <Shape In>
    requires(In::rank == 2 && In::extents[0] <= patches)
  using output = shape<1 + In::extents[0], channels_of<In>>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr std::size_t width = channels_of<In>;
    return std::array{
        parameter{"cls_token", {1, 1, width}, Recipe::class_token, Recipe::token_decay},
        position_table<Rows, Columns, width, Recipe::position>("pos_embed", Recipe::position_decay)};
  }

  template <Shape In, class Context>
  struct cache {
    kernels::index_list selected;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache) {
    forward(context, w, x, y, cache, {In::extents[0]});
  }

  /// For the tokens of selected patches: `selected.count` indices for each sample, in the device's memory.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x,
                      writes<Context, output<In>> y, cache<In, Context>& cache,
                      kernels::index_list selected) {
    cache.selected = selected;
    infer(context, w, x, y, selected);
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache,
                       reads<Context, output<In>> dy, writes<Context, In> dx) {
    constexpr std::size_t width = channels_of<In>;
    typename Context::weight* dpositions = w.at(width).gradient;
    if (Recipe::position == positions::fixed) dpositions = nullptr;
    kernels::prepend_class_token<typename Context::device>::backward(
        context, dy.batch, width, cache.selected, dy.data, dx.data, w.gradient, dpositions);
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x,
                    writes<Context, output<In>> y) {
    infer(context, w, x, y, {In::extents[0]});
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, output<In>> y,
                    kernels::index_list selected) {
    using W = typename Context::weight;
    constexpr std::size_t width = channels_of<In>;
    kernels::prepend_class_token<typename Context::device>::forward(
        context, x.batch, width, selected, x.data, static_cast<const W*>(w.value),
        static_cast<const W*>(w.at(width).value), y.data);
  }
};

}  // namespace pretext::inline v0_1
