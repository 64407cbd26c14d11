#pragma once
#include <array>
#include <cstddef>
#include <string_view>

#include <pretext/layers/transformer_block.hpp>

namespace pretext {

/// `Depth` equal blocks one after another, (T, D) to (T, D) for any number of tokens, called by their index.
/// One body of code runs all of them. In training `place.drop_path` is the rate of the last block's dropped
/// paths, and the others' rise to it from zero (timm).
template <std::size_t Depth, std::size_t Heads, std::size_t Ratio = 4, class Start = xavier_uniform>
struct transformer {
  static_assert(0 < Depth && Depth < 100, "pretext::transformer: it has 1 to 99 blocks.");
  using block = transformer_block<Heads, Ratio, Start>;

  template <Shape In>
    requires Accepts<block, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    constexpr auto one = parameters_of<block, In>;
    pretext::parameters<Depth * one.size()> table{};
    for (std::size_t i = 0, row = 0; i < Depth; ++i) {
      const char digits[] = {char('0' + i / 10), char('0' + i % 10)};
      for (const parameter& p : one)
        table[row++] = p.under(std::string_view{digits + (i < 10), i < 10 ? 1U : 2U}, i * count(one));
    }
    return table;
  }

  template <Shape In>
  static consteval std::size_t multiply_adds() {
    return Depth * pretext::multiply_adds<block, In>;
  }

  template <Shape In, class Place>
  struct cache {
    std::array<cache_of<block, In, Place>, Depth> blocks;
  };

  template <class Place, Shape In>
  static void forward(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y,
                      cache<In, Place>& kept) {
    for (std::size_t i = 0; i < Depth; ++i) {
      const auto to = i + 1 < Depth ? place.kept.template take<typename Place::activation, In>(x.batch) : y;
      const double rate = Depth > 1 ? place.drop_path * double(i) / double(Depth - 1) : 0;
      block::forward(place, w.at(i * weight_count<block, In>), x, to, kept.blocks[i], rate, i);
      x = to;
    }
  }

  template <class Place, Shape In>
  static void backward(Place& place, weights<Place> w, cache<In, Place>& kept, reads<Place, In> dy,
                       writes<Place, In> dx) {
    const borrowed guard{place.scratch};
    const two_buffers<Place, In> between{place, dy.batch};
    for (std::size_t i = Depth; i-- > 0;) {
      const auto to = i > 0 ? between.at[i % 2] : dx;
      block::backward(place, w.at(i * weight_count<block, In>), kept.blocks[i], dy, to);
      dy = to;
    }
  }

  template <class Place, Shape In>
  static void infer(Place& place, weights<Place> w, reads<Place, In> x, writes<Place, In> y) {
    const borrowed guard{place.scratch};
    const two_buffers<Place, In> between{place, x.batch};
    for (std::size_t i = 0; i < Depth; ++i) {
      const auto to = i + 1 < Depth ? between.at[i % 2] : y;
      block::infer(place, w.at(i * weight_count<block, In>), x, to);
      x = to;
    }
  }

 private:
  /// What passes from block to block where nobody needs it later.
  template <class Place, Shape In>
  struct two_buffers {
    writes<Place, In> at[2];
    two_buffers(Place& place, std::size_t batch) {
      for (auto& one : at)
        one = place.scratch.template take<typename Place::activation, In>(Depth > 1 ? batch : 0);
    }
  };
};

}  // namespace pretext
