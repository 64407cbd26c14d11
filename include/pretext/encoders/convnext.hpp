// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <ratio>

#include <pretext/core/fixed_string.hpp>
#include <pretext/layers/block_stack.hpp>
#include <pretext/layers/convnext_block.hpp>
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/pooling.hpp>
#include <pretext/layers/sequential.hpp>

namespace pretext::inline v0_1 {

namespace detail {

/// A convolution of Size×Size patches that do not overlap, with a bias, drawn like the linear layers.
template <std::size_t Out, std::size_t Size>
struct convnext_patches : convolution<Out, Size, Size, 0, bias::yes> {
  template <ImageShape In>
  static consteval auto parameters() {
    auto table = convolution<Out, Size, Size, 0, bias::yes>::template parameters<In>();
    table[0].init = convnext_block::init::weight(0, 0);
    return table;
  }
};

/// Blocks of one width, at half the resolution of the stage before.
template <std::size_t Width, std::size_t Depth, std::size_t First, std::size_t Total>
struct convnext_stage : sequential<named<"downsample", sequential<layer_norm, convnext_patches<Width, 2>>>,
                                   named<"blocks", block_stack<convnext_block, Depth, First, Total>>> {};
/// The first stage, after the stem.
template <std::size_t Depth, std::size_t Total>
struct convnext_first_stage : sequential<named<"blocks", block_stack<convnext_block, Depth, 0, Total>>> {};

template <std::size_t Width, std::array<std::size_t, 4> Depths,
          std::size_t Total = Depths[0] + Depths[1] + Depths[2] + Depths[3]>
struct convnext_stages
    : sequential<
          at_depth<1, convnext_first_stage<Depths[0], Total>>,
          at_depth<2, convnext_stage<2 * Width, Depths[1], Depths[0], Total>>,
          at_depth<3, convnext_stage<4 * Width, Depths[2], Depths[0] + Depths[1], Total>>,
          at_depth<4, convnext_stage<8 * Width, Depths[3], Depths[0] + Depths[1] + Depths[2], Total>>> {};

}  // namespace detail

/// ConvNeXt (Liu et al. 2022): a stem of 4×4 patches, four stages of `Depths` blocks of widths W, 2W, 4W, 8W,
/// the mean over all positions, layer norm; images (H, W, C) to the feature (8W). H and W are multiples
/// of 32. Parameter paths are timm's: stem, stages, head.norm; the stem has depth 0, stage i depth i + 1.
template <std::size_t Width, std::array<std::size_t, 4> Depths>
struct convnext
    : sequential<named<"stem", at_depth<0, sequential<detail::convnext_patches<Width, 4>, layer_norm>>>,
                 named<"stages", detail::convnext_stages<Width, Depths>>,
                 named<"head", sequential<global_average_pool, named<"norm", layer_norm>>>> {
  static constexpr fixed_string classifier{"head.fc"};  ///< the path of the classifier on the feature in timm
};

/// ConvNeXt-T: width 96, 3, 3, 9 and 3 blocks; the feature has 768 values.
struct convnext_tiny : convnext<96, std::array<std::size_t, 4>{3, 3, 9, 3}> {};
/// ConvNeXt-S: width 96, 3, 3, 27 and 3 blocks; the feature has 768 values.
struct convnext_small : convnext<96, std::array<std::size_t, 4>{3, 3, 27, 3}> {};
/// ConvNeXt-B: width 128, 3, 3, 27 and 3 blocks; the feature has 1024 values.
struct convnext_base : convnext<128, std::array<std::size_t, 4>{3, 3, 27, 3}> {};

}  // namespace pretext::inline v0_1
