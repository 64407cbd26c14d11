// SPDX-License-Identifier: MIT
#pragma once
// The layers are a list of types with torchvision's names, so that weights can be exchanged with PyTorch.
#include <cstddef>
#include <ratio>
#include <type_traits>
#include <utility>

#include <pretext/core/constexpr_math.hpp>
#include <pretext/core/fixed_string.hpp>
#include <pretext/layers/depthwise_convolution.hpp>
#include <pretext/layers/fused_convolution.hpp>
#include <pretext/layers/hard_swish.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/pooling.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/squeeze_excitation.hpp>

namespace pretext::inline v0_1 {

/// Constants of batch norm in MobileNetV3: ε = 0.001, and running statistics that change by a hundredth.
struct mobile_batch_norm {
  static constexpr double epsilon = 1e-3, momentum = 0.01;
};

/// Does a block of MobileNetV3 weight its channels (`squeeze_excitation`)?
enum class squeeze { no, yes };

namespace detail {

/// A depthwise convolution drawn as torchvision draws it: by He's fan-out of a convolution that were not
/// depthwise.
template <std::size_t Kernel, std::size_t Stride>
struct mobile_depthwise : depthwise_convolution<Kernel, Stride, Kernel / 2, bias::no> {
  template <ImageShape In>
  static consteval auto parameters() {
    auto table = depthwise_convolution<Kernel, Stride, Kernel / 2, bias::no>::template parameters<In>();
    table[0].init = initialiser::normal(square_root(2.0 / double(Kernel * Kernel * channels_of<In>)));
    return table;
  }
};

template <class Convolution, activation Activation = activation::none>
using mobile_fused =
    fused_convolution<"0", "1", Convolution, Activation, initial_scale::one, mobile_batch_norm>;

/// Convolution, batch norm and activation.
template <class Convolution, class Activation>
struct mobile_convolution : sequential<named<"", mobile_fused<Convolution>>, Activation> {};
template <class Convolution>
struct mobile_convolution<Convolution, relu> : mobile_fused<Convolution, activation::relu> {};

/// A quarter of the width, rounded to a multiple of 8 that is at least 8 and not less than 0.9 of it.
constexpr std::size_t squeezed_width(std::size_t width) {
  const std::size_t quarter = width / 4, rounded = (quarter + 4) / 8 * 8 < 8 ? 8 : (quarter + 4) / 8 * 8;
  return 10 * rounded < 9 * quarter ? rounded + 8 : rounded;
}

/// Nothing, as a list of layers.
template <class... Ls>
struct layer_list {};
template <class... Left, class... Right>
consteval auto operator+(layer_list<Left...>, layer_list<Right...>) {
  return layer_list<Left..., Right...>{};
}
template <bool Present, class L>
using layer_if = std::conditional_t<Present, layer_list<L>, layer_list<>>;

template <class List>
struct sequential_of;
template <class... Ls>
struct sequential_of<layer_list<Ls...>> {
  using type = sequential<Ls...>;
};

template <std::size_t In, std::size_t Kernel, std::size_t Expanded, std::size_t Out, squeeze Squeeze,
          class Activation, std::size_t Stride>
struct inverted_residual_branch
    : sequential<named<
          "block", typename sequential_of<decltype(
                       layer_if<Expanded != In, mobile_convolution<convolution<Expanded, 1>, Activation>>{} +
                       layer_list<mobile_convolution<mobile_depthwise<Kernel, Stride>, Activation>>{} +
                       layer_if<Squeeze == squeeze::yes, squeeze_excitation<squeezed_width(Expanded)>>{} +
                       layer_list<mobile_fused<convolution<Out, 1>>>{})>::type>> {};

template <class Branch, bool Adds>
struct maybe_residual : Branch {};
template <class Branch>
struct maybe_residual<Branch, true> : residual<Branch> {};

}  // namespace detail

/// A block of MobileNetV3: a 1×1 convolution from In to Expanded channels, left out where the numbers are
/// equal, a depthwise one, squeeze and excitation of a quarter of the channels, and a 1×1 convolution to Out
/// channels; the input is added where shapes agree. `Activation` is `relu` or `hard_swish`. Parameter paths
/// are torchvision's.
template <std::size_t In, std::size_t Kernel, std::size_t Expanded, std::size_t Out, squeeze Squeeze,
          class Activation, std::size_t Stride>
struct inverted_residual
    : detail::maybe_residual<
          detail::inverted_residual_branch<In, Kernel, Expanded, Out, Squeeze, Activation, Stride>,
          Stride == 1 && In == Out> {
  static constexpr std::size_t in_channels = In, out_channels = Out;
};

namespace detail {

template <class Index, class First, class Last, class... Blocks>
struct mobile_features;
template <std::size_t... Nth, class First, class Last, class... Blocks>
struct mobile_features<std::index_sequence<Nth...>, First, Last, Blocks...>
    : sequential<at_depth<0, First>, at_depth<int(Nth) + 1, Blocks>...,
                 at_depth<int(sizeof...(Blocks)) + 1, Last>> {};

template <class First, class... Rest>
struct first_and_last {
  using first = First;
  using last = typename first_and_last<Rest...>::last;
};
template <class Only>
struct first_and_last<Only> {
  using first = Only;
  using last = Only;
};

/// From images to the channels of the last convolution.
template <class... Blocks>
using mobile_trunk = mobile_features<
    std::index_sequence_for<Blocks...>,
    mobile_convolution<convolution<first_and_last<Blocks...>::first::in_channels, 3, 2>, hard_swish>,
    mobile_convolution<convolution<6 * first_and_last<Blocks...>::last::out_channels, 1>, hard_swish>,
    Blocks...>;

}  // namespace detail

/// MobileNetV3 (Howard et al. 2019): a 3×3 convolution with stride 2, `Blocks` (`inverted_residual`), a 1×1
/// convolution, the mean over all positions, and a linear layer to Feature values with hard-swish; images
/// (H, W, C) to (Feature). The linear layer is the first one of torchvision's classifier, the paper's second
/// last layer. Parameter paths are torchvision's: features and classifier.0; features.i has depth i.
template <std::size_t Feature, class... Blocks>
struct mobilenet_v3
    : sequential<named<"features", detail::mobile_trunk<Blocks...>>, global_average_pool,
                 named<"classifier.0", linear<Feature, bias::yes, normal_init<std::ratio<1, 100>>>>,
                 hard_swish> {
  static constexpr fixed_string classifier{"classifier.3"};  ///< the path of the classifier on the feature
};

/// MobileNetV3-Small: 1.5 million parameters; the feature has 1024 values.
struct mobilenet_v3_small : mobilenet_v3<1024, inverted_residual<16, 3, 16, 16, squeeze::yes, relu, 2>,
                                         inverted_residual<16, 3, 72, 24, squeeze::no, relu, 2>,
                                         inverted_residual<24, 3, 88, 24, squeeze::no, relu, 1>,
                                         inverted_residual<24, 5, 96, 40, squeeze::yes, hard_swish, 2>,
                                         inverted_residual<40, 5, 240, 40, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<40, 5, 240, 40, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<40, 5, 120, 48, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<48, 5, 144, 48, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<48, 5, 288, 96, squeeze::yes, hard_swish, 2>,
                                         inverted_residual<96, 5, 576, 96, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<96, 5, 576, 96, squeeze::yes, hard_swish, 1>> {};

/// MobileNetV3-Large: 4.2 million parameters; the feature has 1280 values.
struct mobilenet_v3_large : mobilenet_v3<1280, inverted_residual<16, 3, 16, 16, squeeze::no, relu, 1>,
                                         inverted_residual<16, 3, 64, 24, squeeze::no, relu, 2>,
                                         inverted_residual<24, 3, 72, 24, squeeze::no, relu, 1>,
                                         inverted_residual<24, 5, 72, 40, squeeze::yes, relu, 2>,
                                         inverted_residual<40, 5, 120, 40, squeeze::yes, relu, 1>,
                                         inverted_residual<40, 5, 120, 40, squeeze::yes, relu, 1>,
                                         inverted_residual<40, 3, 240, 80, squeeze::no, hard_swish, 2>,
                                         inverted_residual<80, 3, 200, 80, squeeze::no, hard_swish, 1>,
                                         inverted_residual<80, 3, 184, 80, squeeze::no, hard_swish, 1>,
                                         inverted_residual<80, 3, 184, 80, squeeze::no, hard_swish, 1>,
                                         inverted_residual<80, 3, 480, 112, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<112, 3, 672, 112, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<112, 5, 672, 160, squeeze::yes, hard_swish, 2>,
                                         inverted_residual<160, 5, 960, 160, squeeze::yes, hard_swish, 1>,
                                         inverted_residual<160, 5, 960, 160, squeeze::yes, hard_swish, 1>> {};

}  // namespace pretext::inline v0_1
