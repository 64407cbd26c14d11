// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <ratio>

#include <pretext/core/concepts.hpp>
#include <pretext/core/macs.hpp>
#include <pretext/kernels/elementwise.hpp>
#include <pretext/layers/depthwise_convolution.hpp>
#include <pretext/layers/drop_path.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/layer_scale.hpp>
#include <pretext/layers/mlp.hpp>

namespace pretext::inline v0_1 {

/// x + gamma·mlp(norm(depthwise(x))), with a depthwise 7×7 convolution and a perceptron over the channels of
/// each pixel, (H, W, C) to (H, W, C) (Liu et al. 2022, figure 4). Parameter paths are timm's: conv_dw, norm,
/// mlp, gamma.
struct convnext_block {
  using init = truncated_normal_init<std::ratio<1, 50>>;
  using mixer = depthwise_convolution<7, 1, 3, bias::yes, init>;
  using perceptron = mlp<4, init>;
  using scale = layer_scale<std::micro>;

  template <ImageShape In>
  using output = In;
  /// The pixels as tokens, which perceptrons accept.
  template <ImageShape In>
  using pixels = shape<position_count<In>, channels_of<In>>;

  template <ImageShape In>
  static consteval auto parameters() {
    return concatenate(prefixed("conv_dw", parameters_of<mixer, In>),
                       prefixed("norm", parameters_of<layer_norm, In>),
                       prefixed("mlp", parameters_of<perceptron, pixels<In>>), parameters_of<scale, In>);
  }

  template <ImageShape In>
  static consteval std::size_t macs() {
    return pretext::macs<mixer, In> + pretext::macs<perceptron, pixels<In>>;
  }

  template <ImageShape In, class Context>
  struct cache {
    cache_of<mixer, In, Context> mixed;
    cache_of<layer_norm, In, Context> normed;
    cache_of<perceptron, pixels<In>, Context> mlp;
    reads<Context, pixels<In>> branch;
    const typename Context::weight* sample_scale = nullptr;
  };

  /// `drop` in [0, 1) is the rate at which the branch is dropped, `index` the number of the block in its
  /// network.
  template <class Context, ImageShape In>
  static void forward(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y,
                      cache<In, Context>& cache, double drop = 0, std::size_t index = 0) {
    using T = typename Context::activation;
    const auto mixed = context.activations.template allocate<T, In>(x.batch);
    const auto normed = context.activations.template allocate<T, In>(x.batch);
    const auto branch = context.activations.template allocate<T, pixels<In>>(x.batch);
    cache.sample_scale = drop_path::branch_scales(context, x.batch, drop, static_cast<std::uint32_t>(index));
    mixer::forward(context, w, x, mixed, cache.mixed);
    layer_norm::forward(context, w.at(norm_at<In>), reads<Context, In>{mixed}, normed, cache.normed);
    perceptron::forward(context, w.at(mlp_at<In>), as_pixels<Context, In>(normed), branch, cache.mlp);
    cache.branch = branch;
    add<Context, In>(context, w, x, cache.branch, cache.sample_scale, y);
  }

  template <class Context, ImageShape In>
  static void backward(Context& context, weights<Context> w, cache<In, Context>& cache, reads<Context, In> dy,
                       writes<Context, In> dx) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto dbranch = context.workspace.template allocate<T, pixels<In>>(dy.batch);
    const auto dnormed = context.workspace.template allocate<T, In>(dy.batch);
    const writes<Context, In> dmixed = dbranch.template as<In>();
    scale::backward(context, w.at(scale_at<In>), dy.template as<pixels<In>>(), cache.branch,
                    cache.sample_scale, dbranch);
    perceptron::backward(context, w.at(mlp_at<In>), cache.mlp, reads<Context, pixels<In>>{dbranch},
                         dnormed.template as<pixels<In>>());
    layer_norm::backward(context, w.at(norm_at<In>), cache.normed, reads<Context, In>{dnormed}, dmixed);
    mixer::backward(context, w, cache.mixed, reads<Context, In>{dmixed}, dx);
    if (dx.data)
      kernels::elementwise<typename Context::device>::axpy(context, dy.size(), typename Context::weight{1},
                                                           dy.data, dx.data);
  }

  template <class Context, ImageShape In>
  static void infer(Context& context, weights<Context> w, reads<Context, In> x, writes<Context, In> y) {
    using T = typename Context::activation;
    const arena_scope guard{context.workspace};
    const auto mixed = context.workspace.template allocate<T, In>(x.batch);
    const auto normed = context.workspace.template allocate<T, In>(x.batch);
    const writes<Context, pixels<In>> branch = mixed.template as<pixels<In>>();
    mixer::infer(context, w, x, mixed);
    layer_norm::infer(context, w.at(norm_at<In>), reads<Context, In>{mixed}, normed);
    perceptron::infer(context, w.at(mlp_at<In>), as_pixels<Context, In>(normed), branch);
    add<Context, In>(context, w, x, reads<Context, pixels<In>>{branch}, nullptr, y);
  }

  template <ImageShape In>
  static constexpr std::size_t norm_at = weight_count<mixer, In>;
  template <ImageShape In>
  static constexpr std::size_t mlp_at = norm_at<In> + weight_count<layer_norm, In>;
  template <ImageShape In>
  static constexpr std::size_t scale_at = mlp_at<In> + weight_count<perceptron, pixels<In>>;

 private:
  template <class Context, ImageShape In>
  static reads<Context, pixels<In>> as_pixels(writes<Context, In> x) {
    return x.template as<pixels<In>>();
  }

  template <class Context, ImageShape In>
  static void add(Context& context, weights<Context> w, reads<Context, In> x,
                  reads<Context, pixels<In>> branch, const typename Context::weight* sample_scale,
                  writes<Context, In> y) {
    scale::add(context, w.at(scale_at<In>), x.template as<pixels<In>>(), branch, sample_scale,
               y.template as<pixels<In>>());
  }
};

}  // namespace pretext::inline v0_1
