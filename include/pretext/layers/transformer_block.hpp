// SPDX-License-Identifier: MIT
#pragma once
// Residual sums are epilogues of the last matrix product of each branch, which saves a pass over memory.
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

namespace pretext::inline v0_1 {

/// x + attention(norm1(x)), then x + mlp(norm2(x)): a pre-norm block over tokens, (T, D) to (T, D)
/// (Dosovitskiy et al. 2021, eq. 2-3). Parameter paths are timm's: norm1, attn, norm2, mlp.
template <std::size_t Heads, std::size_t Ratio = 4, class Init = xavier_uniform>
struct transformer_block {
  using mixer = attention<Heads, Init>;
  using perceptron = mlp<Ratio, Init>;

  template <Shape In>
    requires Accepts<mixer, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    constexpr auto norm = parameters_of<layer_norm, In>;
    return concatenate(prefixed("norm1", norm), prefixed("attn", parameters_of<mixer, In>),
                       prefixed("norm2", norm), prefixed("mlp", parameters_of<perceptron, In>));
  }

  template <Shape In>
  static consteval std::size_t macs() {
    return pretext::macs<mixer, In> + pretext::macs<perceptron, In>;
  }

  template <Shape In, class Context>
  struct cache {
    cache_of<layer_norm, In, Context> norm1, norm2;
    cache_of<mixer, In, Context> attn;
    cache_of<perceptron, In, Context> mlp;
    const typename Context::weight *attn_scale = nullptr, *mlp_scale = nullptr;
  };

  /// `drop` in [0, 1) is the rate at which each branch is dropped, `index` the number of the block in its
  /// network.
  template <class Context, Shape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, double drop = 0, std::size_t index = 0) {
    using T = typename Context::activation;
    const auto normed1 = context.activations.template allocate<T, In>(x.batch);
    const auto normed2 = context.activations.template allocate<T, In>(x.batch);
    const auto middle = context.activations.template allocate<T, In>(x.batch);
    const auto draw = static_cast<std::uint32_t>(2 * index);
    cache.attn_scale = drop_path::branch_scales(context, x.batch, drop, draw);
    cache.mlp_scale = drop_path::branch_scales(context, x.batch, drop, draw + 1);

    layer_norm::forward(context, w, x, normed1, cache.norm1);
    mixer::forward(context, w.at(attn_offset<In>), reads<Context, In>{normed1}, middle, cache.attn,
                   residual_sum<Context>(x, cache.attn_scale));
    layer_norm::forward(context, w.at(norm2_offset<In>), reads<Context, In>{middle}, normed2, cache.norm2);
    perceptron::forward(context, w.at(mlp_offset<In>), reads<Context, In>{normed2}, y, cache.mlp,
                        residual_sum<Context>(reads<Context, In>{middle}, cache.mlp_scale));
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dnormed = context.workspace.template allocate<T, In>(dy.batch);
    const auto dmiddle = context.workspace.template allocate<T, In>(dy.batch);
    perceptron::backward(context, w.at(mlp_offset<In>), cache.mlp,
                         scaled(context, cache.mlp_scale, dy, dmiddle), dnormed);
    layer_norm::backward(context, w.at(norm2_offset<In>), cache.norm2, reads<Context, In>{dnormed}, dmiddle,
                         dy);
    {
      const arena_scope inner{context.workspace};
      const auto dbranch = context.workspace.template allocate<T, In>(cache.attn_scale ? dy.batch : 0);
      mixer::backward(context, w.at(attn_offset<In>), cache.attn,
                      scaled(context, cache.attn_scale, reads<Context, In>{dmiddle},
                             writes<Context, In>{dbranch.data, dy.batch}),
                      dnormed);
    }
    layer_norm::backward(context, w, cache.norm1, reads<Context, In>{dnormed}, dx,
                         reads<Context, In>{dmiddle});
  }

  template <class Context, Shape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto normed = context.workspace.template allocate<T, In>(x.batch);
    const auto middle = context.workspace.template allocate<T, In>(x.batch);
    layer_norm::infer(context, w, x, normed);
    mixer::infer(context, w.at(attn_offset<In>), reads<Context, In>{normed}, middle,
                 residual_sum<Context>(x, nullptr));
    layer_norm::infer(context, w.at(norm2_offset<In>), reads<Context, In>{middle}, normed);
    perceptron::infer(context, w.at(mlp_offset<In>), reads<Context, In>{normed}, y,
                      residual_sum<Context>(reads<Context, In>{middle}, nullptr));
  }

 private:
  template <Shape In>
  static constexpr std::size_t attn_offset = weight_count<layer_norm, In>;
  template <Shape In>
  static constexpr std::size_t norm2_offset = attn_offset<In> + weight_count<mixer, In>;
  template <Shape In>
  static constexpr std::size_t mlp_offset = norm2_offset<In> + weight_count<layer_norm, In>;

  /// The epilogue that adds the result of a branch to its shortcut.
  template <class Context, Shape In>
  static linear_epilogue<Context> residual_sum(reads<Context, In> shortcut,
                                               const typename Context::weight* branch_scale) {
    return {.shortcut = shortcut.data, .branch_scale = branch_scale, .tokens = position_count<In>};
  }

  /// The gradient that enters a branch: dy itself if nothing was dropped.
  template <class Context, Shape In>
  static reads<Context, In> scaled(Context& context, const typename Context::weight* branch_scale,
                                   reads<Context, In> dy, writes<Context, In> into) {
    if (!branch_scale) return dy;
    kernels::drop_path<typename Context::device>::scale(context, dy.batch, In::size, branch_scale, dy.data,
                                                        into.data);
    return into;
  }
};

}  // namespace pretext::inline v0_1
