// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <ratio>

#include <pretext/core/concepts.hpp>
#include <pretext/kernels/layer_scale.hpp>

namespace pretext::inline v0_1 {

/// The branches of a residual network are added as they are.
struct no_layer_scale {};

/// The branches of a residual network are multiplied by a learned factor per channel, which starts at Initial
/// (LayerScale; Touvron et al. 2021b, eq. 4): 1e-5 in DINOv2, `layer_scale<std::micro>` in ConvNeXt. No layer
/// of its own, because it is part of the sum. The parameter's path is timm's: gamma, without weight decay.
template <class Initial = std::ratio<1, 100000>>
struct layer_scale {
  template <Shape In>
  static consteval auto parameters() {
    return std::array{parameter{"gamma",
                                {channels_of<In>},
                                initialiser::constant(double(Initial::num) / double(Initial::den)),
                                parameter_decay::no}};
  }

  /// y = shortcut + gamma·branch, times the scale of each sample unless `branch_scale` is null.
  template <class Context, Shape In>
  static void add(Context& context, weights<Context> w, reads<Context, In> shortcut,
                  reads<Context, In> branch, const typename Context::weight* branch_scale,
                  writes<Context, In> y) {
    kernels::layer_scale<typename Context::device>::forward(
        context, extents<In>(y.batch), shortcut.data, branch.data,
        static_cast<const typename Context::weight*>(w.value), branch_scale, y.data);
  }

  /// The gradient of the branch; adds that of gamma.
  template <class Context, Shape In>
  static void backward(Context& context, weights<Context> w, reads<Context, In> dy, reads<Context, In> branch,
                       const typename Context::weight* branch_scale, writes<Context, In> dbranch) {
    kernels::layer_scale<typename Context::device>::backward(
        context, extents<In>(dy.batch), dy.data, branch.data,
        static_cast<const typename Context::weight*>(w.value), branch_scale, dbranch.data, w.gradient);
  }

 private:
  template <Shape In>
  static constexpr kernels::scaled_sum_extents extents(std::size_t batch) {
    return {batch * position_count<In>, channels_of<In>, position_count<In>};
  }
};

}  // namespace pretext::inline v0_1
