// SPDX-License-Identifier: MIT
#pragma once
// Residual sums are epilogues of the last matrix product of each branch, which saves a pass over memory.
#include <concepts>
#include <cstddef>
#include <cstdint>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/drop_path.hpp>
#include <pretext/kernels/linear.hpp>
#include <pretext/layers/attention.hpp>
#include <pretext/layers/drop_path.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/layer_scale.hpp>
#include <pretext/layers/mlp.hpp>

namespace pretext::inline v0_1 {

/// x + attention(norm1(x)), then x + mlp(norm2(x)): a pre-norm block over tokens, (T, D) to (T, D)
/// (Dosovitskiy et al. 2021, eq. 2-3). `Scale` is no_layer_scale, or `layer_scale` of both branches.
/// Parameter paths are timm's: norm1, attn, ls1, norm2, mlp, ls2.
template <std::size_t Heads, std::size_t Ratio = 4, class Init = xavier_uniform,
          class Perceptron = mlp<Ratio, Init>, class Scale = no_layer_scale>
struct transformer_block {
  using mixer = attention<Heads, Init>;
  using perceptron = Perceptron;
  using scale = Scale;
  static constexpr bool is_scaled = !std::same_as<Scale, no_layer_scale>;

  template <Shape In>
    requires Accepts<mixer, In>
  using output = In;

  template <Shape In>
  static consteval auto parameters() {
    constexpr auto norm = parameters_of<layer_norm, In>;
    constexpr auto attn = prefixed("attn", parameters_of<mixer, In>),
                   mlp = prefixed("mlp", parameters_of<perceptron, In>);
    if constexpr (is_scaled)
      return concatenate(prefixed("norm1", norm), attn, prefixed("ls1", parameters_of<Scale, In>),
                         prefixed("norm2", norm), mlp, prefixed("ls2", parameters_of<Scale, In>));
    else
      return concatenate(prefixed("norm1", norm), attn, prefixed("norm2", norm), mlp);
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
    const typename Context::weight *attn_scale = nullptr, *mlp_scale = nullptr;  ///< of each sample
    reads<Context, In> attn_branch, mlp_branch;  ///< before they are scaled per channel
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
    const auto allocate_branch = [&] {
      return context.activations.template allocate<T, In>(is_scaled ? x.batch : 0);
    };

    layer_norm::forward(context, w, x, normed1, cache.norm1);
    cache.attn_branch =
        add_branch(context, w.at(scale1_offset<In>), x, cache.attn_scale, allocate_branch(), middle,
                   [&](writes<Context, In> to, const linear_epilogue<Context>& epilogue) {
                     mixer::forward(context, w.at(attn_offset<In>), reads<Context, In>{normed1}, to,
                                    cache.attn, epilogue);
                   });
    layer_norm::forward(context, w.at(norm2_offset<In>), reads<Context, In>{middle}, normed2, cache.norm2);
    cache.mlp_branch = add_branch(context, w.at(scale2_offset<In>), reads<Context, In>{middle},
                                  cache.mlp_scale, allocate_branch(), y,
                                  [&](writes<Context, In> to, const linear_epilogue<Context>& epilogue) {
                                    perceptron::forward(context, w.at(mlp_offset<In>),
                                                        reads<Context, In>{normed2}, to, cache.mlp, epilogue);
                                  });
  }

  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dnormed = context.workspace.template allocate<T, In>(dy.batch);
    const auto dmiddle = context.workspace.template allocate<T, In>(dy.batch);
    perceptron::backward(
        context, w.at(mlp_offset<In>), cache.mlp,
        branch_gradient(context, w.at(scale2_offset<In>), cache.mlp_branch, cache.mlp_scale, dy, dmiddle),
        dnormed);
    layer_norm::backward(context, w.at(norm2_offset<In>), cache.norm2, reads<Context, In>{dnormed}, dmiddle,
                         dy);
    {
      const arena_scope inner{context.workspace};
      const auto dbranch =
          context.workspace.template allocate<T, In>(cache.attn_scale || is_scaled ? dy.batch : 0);
      mixer::backward(
          context, w.at(attn_offset<In>), cache.attn,
          branch_gradient(context, w.at(scale1_offset<In>), cache.attn_branch, cache.attn_scale,
                          reads<Context, In>{dmiddle}, writes<Context, In>{dbranch.data, dy.batch}),
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
    const auto branch = context.workspace.template allocate<T, In>(is_scaled ? x.batch : 0);
    layer_norm::infer(context, w, x, normed);
    add_branch(context, w.at(scale1_offset<In>), x, nullptr, branch, middle,
               [&](writes<Context, In> to, const linear_epilogue<Context>& epilogue) {
                 mixer::infer(context, w.at(attn_offset<In>), reads<Context, In>{normed}, to, epilogue);
               });
    layer_norm::infer(context, w.at(norm2_offset<In>), reads<Context, In>{middle}, normed);
    add_branch(context, w.at(scale2_offset<In>), reads<Context, In>{middle}, nullptr, branch, y,
               [&](writes<Context, In> to, const linear_epilogue<Context>& epilogue) {
                 perceptron::infer(context, w.at(mlp_offset<In>), reads<Context, In>{normed}, to, epilogue);
               });
  }

 private:
  template <Shape In>
  static constexpr std::size_t scale_count = is_scaled ? channels_of<In> : 0;
  template <Shape In>
  static constexpr std::size_t attn_offset = weight_count<layer_norm, In>;
  template <Shape In>
  static constexpr std::size_t scale1_offset = attn_offset<In> + weight_count<mixer, In>;
  template <Shape In>
  static constexpr std::size_t norm2_offset = scale1_offset<In> + scale_count<In>;
  template <Shape In>
  static constexpr std::size_t mlp_offset = norm2_offset<In> + weight_count<layer_norm, In>;
  template <Shape In>
  static constexpr std::size_t scale2_offset = mlp_offset<In> + weight_count<perceptron, In>;

  /// y = shortcut + the branch that `run(to, epilogue)` computes: by the epilogue of its last product, or
  /// after it, from `branch`, if it is scaled per channel. Returns the branch in the latter case.
  template <class Context, Shape In, class Run>
  static reads<Context, In> add_branch(Context& context, weights<Context> w, reads<Context, In> shortcut,
                                       const typename Context::weight* sample_scale,
                                       writes<Context, In> branch, writes<Context, In> y, const Run& run) {
    if constexpr (is_scaled) {
      run(branch, {});
      Scale::add(context, w, shortcut, reads<Context, In>{branch}, sample_scale, y);
      return branch;
    } else {
      run(y, {.shortcut = shortcut.data, .branch_scale = sample_scale, .tokens = position_count<In>});
      return {};
    }
  }

  /// The gradient that enters a branch: dy itself if nothing scales it.
  template <class Context, Shape In>
  static reads<Context, In> branch_gradient(Context& context, weights<Context> w, reads<Context, In> branch,
                                            const typename Context::weight* sample_scale,
                                            reads<Context, In> dy, writes<Context, In> into) {
    if constexpr (is_scaled) {
      Scale::backward(context, w, dy, branch, sample_scale, into);
      return into;
    } else {
      if (!sample_scale) return dy;
      kernels::drop_path<typename Context::device>::scale(context, dy.batch, In::size, sample_scale, dy.data,
                                                          into.data);
      return into;
    }
  }
};

}  // namespace pretext::inline v0_1
