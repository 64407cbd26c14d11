// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>

namespace pretext::inline v0_1 {

/// `Depth` equal blocks one after another, which keep the shape of their input; parameter paths begin with
/// the index of the block. All blocks share one instantiation, so that compile time does not grow with the
/// depth. They are the blocks First, First + 1, … of the `Total` of a network: in training
/// `context.step.drop_path` is the drop rate of the network's last block, and the rates rise linearly from 0
/// in its first (timm).
template <class Block, std::size_t Depth, std::size_t First = 0, std::size_t Total = Depth>
struct block_stack {
  static_assert(0 < Depth && Depth < 100, "pretext::block_stack: it has 1 to 99 blocks.");
  using block = Block;

  template <Shape In>
    requires Accepts<block, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    constexpr auto one = parameters_of<block, In>;
    pretext::parameters<Depth * one.size()> table{};
    for (std::size_t i = 0, row = 0; i < Depth; ++i)
      for (const parameter& p : one) table[row++] = p.under(i, i * parameter_count(one));
    return table;
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return Depth * pretext::macs<block, In>;
  }

  template <Shape In, class Context>
  struct cache {
    std::array<cache_of<block, In, Context>, Depth> blocks;
  };

  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache) {
    for (std::size_t i = 0; i < Depth; ++i) {
      const auto to = i + 1 < Depth
                          ? context.activations.template allocate<typename Context::activation, In>(x.batch)
                          : y;
      const double rate = Total > 1 ? context.step.drop_path * double(First + i) / double(Total - 1) : 0;
      block::forward(context, w.at(i * weight_count<block, In>), x, to, cache.blocks[i], rate, First + i);
      x = to;
    }
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    const arena_scope guard{context.workspace};
    const two_buffers<Context, In> buffers{context, dy.batch};
    for (std::size_t i = Depth; i-- > 0;) {
      const auto to = i > 0 ? buffers.at[i % 2] : dx;
      block::backward(context, w.at(i * weight_count<block, In>), cache.blocks[i], dy, to);
      dy = to;
    }
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    const arena_scope guard{context.workspace};
    const two_buffers<Context, In> buffers{context, x.batch};
    for (std::size_t i = 0; i < Depth; ++i) {
      const auto to = i + 1 < Depth ? buffers.at[i % 2] : y;
      block::infer(context, w.at(i * weight_count<block, In>), x, to);
      x = to;
    }
  }

 private:
  /// Buffers for tensors that only the next block reads.
  template <class Context, Shape In>
  struct two_buffers {
    writes<Context, In> at[2];
    two_buffers(Context& context, std::size_t batch) {
      for (auto& buffer : at)
        buffer = context.workspace.template allocate<typename Context::activation, In>(Depth > 1 ? batch : 0);
    }
  };
};

}  // namespace pretext::inline v0_1
