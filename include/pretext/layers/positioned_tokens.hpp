// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/for_each_row.hpp>
#include <pretext/kernels/tokens.hpp>
#include <pretext/layers/position_resampling.hpp>
#include <pretext/layers/positions.hpp>

namespace pretext::inline v0_1 {

/// A sequence from the tokens of a grid of patches: a class token and registers, if the recipe has them, come
/// first, and positions are added; (L, D) to (1 + R + L, D), or for K selected patches of the grid (K, D) to
/// (1 + R + K, D). The table of positions is that of a grid (TableRows, TableColumns), by default the
/// image's, and is resized to the image's grid, with gradient. Parameter paths are timm's: cls_token,
/// reg_token, pos_embed. `Recipe` declares the parts, their initialisers and weight decay; see
/// encoders/vit.hpp.
template <std::size_t Rows, std::size_t Columns, class Recipe, std::size_t TableRows = Rows,
          std::size_t TableColumns = Columns>
struct positioned_tokens {
  static constexpr std::size_t patches = Rows * Columns;
  /// Tokens before the patches, and how many of them have a position of their own.
  static constexpr std::size_t prefix = (Recipe::has_class_token ? 1 : 0) + Recipe::registers,
                               positioned = Recipe::has_class_token && Recipe::class_token_has_position;
  static constexpr bool resizes = Rows != TableRows || Columns != TableColumns;

  template <Shape In>
    requires(In::rank == 2 && In::extents[0] <= patches)
  using output = shape<prefix + In::extents[0], channels_of<In>>;

  template <Shape In>
  static consteval auto parameters() {
    constexpr std::size_t width = channels_of<In>;
    constexpr std::size_t rows = (Recipe::has_class_token ? 1 : 0) + (Recipe::registers > 0 ? 1 : 0);
    pretext::parameters<rows + 1> table{};
    std::size_t row = 0;
    if (Recipe::has_class_token)
      table[row++] = parameter{"cls_token", {1, 1, width}, Recipe::class_token, Recipe::token_decay};
    if (Recipe::registers > 0)
      table[row++] =
          parameter{"reg_token", {1, Recipe::registers, width}, Recipe::class_token, Recipe::token_decay};
    table[row] = position_table<TableRows, TableColumns, width, Recipe::position, positioned>(
        "pos_embed", Recipe::position_decay);
    return table;
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
    using device = typename Context::device;
    using W = typename Context::weight;
    constexpr std::size_t width = channels_of<In>;
    W* const dtable = is_constant(Recipe::position) ? nullptr : w.at(prefix * width).gradient;
    const arena_scope guard{context.workspace};
    W* dpositions = dtable;
    if (resizes && dtable) {
      dpositions = context.workspace.template allocate<W>((positioned + patches) * width);
      device::clear(context.stream, dpositions, (positioned + patches) * width);
    }
    kernels::prepend_tokens<device>::backward(context, extents<In>, dy.batch, cache.selected, dy.data,
                                              dx.data, prefix > 0 ? w.gradient : nullptr, dpositions);
    if constexpr (resizes)
      if (dtable) resize<true, In>(context, static_cast<const W*>(dpositions), dtable);
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
    const arena_scope guard{context.workspace};
    const W* table = w.at(prefix * width).value;
    if constexpr (resizes) {
      W* const resized = context.workspace.template allocate<W>((positioned + patches) * width);
      resize<false, In>(context, table, resized);
      table = resized;
    }
    kernels::prepend_tokens<typename Context::device>::forward(
        context, extents<In>, x.batch, selected, x.data, static_cast<const W*>(w.value), table, y.data);
  }

 private:
  template <Shape In>
  static constexpr kernels::sequence_extents extents{channels_of<In>, prefix, positioned};

  template <bool Backward, Shape In, class Context, class W>
  static void resize(Context& context, const W* from, W* to) {
    using work = detail::resample_positions<TableRows, TableColumns, Rows, Columns, Backward, W>;
    kernels::for_each_row<typename Context::device>::run(
        context, work::count(positioned), work{Recipe::resampling, positioned, channels_of<In>, from, to});
  }
};

}  // namespace pretext::inline v0_1
