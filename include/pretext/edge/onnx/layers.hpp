// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pretext/edge/onnx/layer.hpp>
#include <pretext/encoders/resnet.hpp>
#include <pretext/layers/batch_norm.hpp>
#include <pretext/layers/block_stack.hpp>
#include <pretext/layers/convolution.hpp>
#include <pretext/layers/depthwise_convolution.hpp>
#include <pretext/layers/fused_convolution.hpp>
#include <pretext/layers/gelu.hpp>
#include <pretext/layers/hard_swish.hpp>
#include <pretext/layers/layer_norm.hpp>
#include <pretext/layers/linear.hpp>
#include <pretext/layers/pooling.hpp>
#include <pretext/layers/relu.hpp>
#include <pretext/layers/residual.hpp>
#include <pretext/layers/residual_block.hpp>
#include <pretext/layers/sequential.hpp>
#include <pretext/layers/squeeze_excitation.hpp>

// The ONNX forms of the layers of convolutional networks and of compositions. Those of transformers are in
// transformers.hpp.
namespace pretext::inline v0_1::detail {

template <std::size_t Value>
inline constexpr auto onnx_integer = static_cast<std::int64_t>(Value);

/// Calls `apply(x)` with the last extent of each sample as the second axis, behind the batch, where ONNX
/// expects channels; only tokens (T, D) have it elsewhere.
template <Shape In, class Apply>
std::string with_channels_first(onnx_graph& graph, std::string x, const Apply& apply) {
  if constexpr (In::rank == 2)
    return graph.transpose(apply(graph.transpose(x, {0, 2, 1})), {0, 2, 1});
  else
    return apply(std::move(x));
}

/// The same with it as the last axis; only images have it elsewhere.
template <Shape In, class Apply>
std::string with_channels_last(onnx_graph& graph, std::string x, const Apply& apply) {
  if constexpr (In::rank == 3)
    return graph.transpose(apply(graph.transpose(x, {0, 2, 3, 1})), {0, 3, 1, 2});
  else
    return apply(std::move(x));
}

/// Batch norm of C channels, which are the second axis.
template <std::size_t C, affine Affine, initial_scale Start, class Constants>
std::string write_batch_norm(normalisation<Affine, Start, Constants>, onnx_graph& graph, std::size_t offset,
                             std::string x) {
  using norm = normalisation<Affine, Start, Constants>;
  const auto learned = [&](bool is_learned, const char* name, float otherwise) {
    if (is_learned) return graph.weight(std::exchange(offset, offset + C));
    return graph.constant(str_cat(name, "_", C), {C}, std::vector<float>(C, otherwise));
  };
  std::vector<std::string> inputs{std::move(x)};
  inputs.push_back(learned(norm::scaled, "ones", 1));
  inputs.push_back(learned(norm::shifted, "zeros", 0));
  inputs.push_back(learned(true, "", 0));
  inputs.push_back(learned(true, "", 0));
  return graph.node("BatchNormalization", inputs, {{"epsilon", static_cast<float>(norm::epsilon)}});
}

inline std::string write_gelu(onnx_graph& graph, const std::string& x) {
  const auto erf = graph.node("Erf", {graph.node("Mul", {x, graph.constant(.70710678f)})});
  const auto twice_phi = graph.node("Add", {erf, graph.constant(1)});
  return graph.node("Mul", {graph.node("Mul", {x, twice_phi}), graph.constant(.5f)});
}

template <class... Ls, Shape In>
std::string onnx_layer(const sequential<Ls...>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  const auto each = [&]<class... Inputs>(shapes<Inputs...>) {
    ((x = write_onnx_layer<Ls, Inputs>(graph, offset, std::move(x)), offset += weight_count<Ls, Inputs>),
     ...);
  };
  each(typename sequential<Ls...>::template inputs<In>{});
  return x;
}

template <class Body, Shape In>
std::string onnx_layer(const residual<Body>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  return graph.node("Add", {x, write_onnx_layer<Body, In>(graph, offset, x)});
}

template <Shape In>
std::string onnx_layer(const relu&, layer_input<In>, onnx_graph& graph, std::size_t, std::string x) {
  return graph.node("Relu", {x});
}

template <Shape In>
std::string onnx_layer(const hard_swish&, layer_input<In>, onnx_graph& graph, std::size_t, std::string x) {
  return graph.node("HardSwish", {x});
}

template <Shape In>
std::string onnx_layer(const hard_sigmoid&, layer_input<In>, onnx_graph& graph, std::size_t, std::string x) {
  return graph.node("HardSigmoid", {x}, {{"alpha", 1.f / 6}, {"beta", .5f}});
}

template <Shape In>
std::string onnx_layer(const gelu&, layer_input<In>, onnx_graph& graph, std::size_t, std::string x) {
  return write_gelu(graph, x);
}

template <std::size_t Out, bias Bias, class Init, Shape In>
std::string onnx_layer(const linear<Out, Bias, Init>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  const std::string weight = graph.weight(offset);
  std::vector<std::string> inputs{std::move(x), weight};
  if constexpr (Bias == bias::yes) inputs.push_back(graph.weight(offset + Out * channels_of<In>));
  if constexpr (In::rank == 1) return graph.node("Gemm", inputs, {{"transB", std::int64_t{1}}});
  const std::string y = graph.node("MatMul", {inputs[0], graph.transpose(weight, {1, 0})});
  return Bias == bias::yes ? graph.node("Add", {y, inputs.back()}) : y;
}

template <std::size_t Out, std::size_t Kernel, std::size_t Stride, std::size_t Padding, bias Bias, Shape In>
std::string onnx_layer(const convolution<Out, Kernel, Stride, Padding, Bias>&, layer_input<In>,
                       onnx_graph& graph, std::size_t offset, std::string x) {
  std::vector<std::string> inputs{std::move(x), graph.weight(offset)};
  if constexpr (Bias == bias::yes)
    inputs.push_back(graph.weight(offset + Kernel * Kernel * In::extents[2] * Out));
  constexpr auto kernel = onnx_integer<Kernel>, stride = onnx_integer<Stride>,
                 padding = onnx_integer<Padding>;
  return graph.node("Conv", inputs,
                    {{"kernel_shape", std::vector{kernel, kernel}},
                     {"strides", std::vector{stride, stride}},
                     {"pads", std::vector{padding, padding, padding, padding}}});
}

template <affine Affine, initial_scale Start, class Constants, Shape In>
std::string onnx_layer(const batch_norm<Affine, Start, Constants>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  return with_channels_first<In>(graph, std::move(x), [&](std::string channels_first) {
    return write_batch_norm<channels_of<In>>(typename batch_norm<Affine, Start, Constants>::math{}, graph,
                                             offset, std::move(channels_first));
  });
}

template <Shape In>
std::string onnx_layer(const layer_norm&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  return with_channels_last<In>(graph, std::move(x), [&](const std::string& channels_last) {
    return graph.node("LayerNormalization",
                      {channels_last, graph.weight(offset), graph.weight(offset + channels_of<In>)},
                      {{"axis", std::int64_t{-1}}, {"epsilon", static_cast<float>(layer_norm::epsilon)}});
  });
}

template <class Block, std::size_t Depth, std::size_t First, std::size_t Total, Shape In>
std::string onnx_layer(const block_stack<Block, Depth, First, Total>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  for (std::size_t i = 0; i < Depth; ++i)
    x = write_onnx_layer<Block, In>(graph, offset + i * weight_count<Block, In>, std::move(x));
  return x;
}

template <std::size_t Kernel, std::size_t Stride, std::size_t Padding, bias Bias, class Init, Shape In>
std::string onnx_layer(const depthwise_convolution<Kernel, Stride, Padding, Bias, Init>&, layer_input<In>,
                       onnx_graph& graph, std::size_t offset, std::string x) {
  std::vector<std::string> inputs{std::move(x), graph.weight(offset)};
  if constexpr (Bias == bias::yes) inputs.push_back(graph.weight(offset + Kernel * Kernel * channels_of<In>));
  constexpr auto kernel = onnx_integer<Kernel>, stride = onnx_integer<Stride>,
                 padding = onnx_integer<Padding>;
  return graph.node("Conv", inputs,
                    {{"kernel_shape", std::vector{kernel, kernel}},
                     {"strides", std::vector{stride, stride}},
                     {"pads", std::vector{padding, padding, padding, padding}},
                     {"group", onnx_integer<channels_of<In>>}});
}

template <std::size_t Size, std::size_t Stride, std::size_t Padding, Shape In>
std::string onnx_layer(const max_pool<Size, Stride, Padding>&, layer_input<In>, onnx_graph& graph,
                       std::size_t, std::string x) {
  constexpr auto size = onnx_integer<Size>, stride = onnx_integer<Stride>, padding = onnx_integer<Padding>;
  return graph.node("MaxPool", {x},
                    {{"kernel_shape", std::vector{size, size}},
                     {"strides", std::vector{stride, stride}},
                     {"pads", std::vector{padding, padding, padding, padding}}});
}

template <Shape In>
std::string onnx_layer(const global_average_pool&, layer_input<In>, onnx_graph& graph, std::size_t,
                       std::string x) {
  if constexpr (In::rank == 3) return graph.node("Flatten", {graph.node("GlobalAveragePool", {x})});
  return graph.node("ReduceMean", {x},
                    {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}});
}

/// With a shortcut that is added before the ReLU, unless its name is empty.
template <fixed_string ConvolutionName, fixed_string NormName, class Convolution, activation Activation,
          initial_scale Start, class Constants, Shape In>
std::string onnx_layer(
    const fused_convolution<ConvolutionName, NormName, Convolution, Activation, Start, Constants>&,
    layer_input<In>, onnx_graph& graph, std::size_t offset, std::string x, const std::string& shortcut = {}) {
  using layer = fused_convolution<ConvolutionName, NormName, Convolution, Activation, Start, Constants>;
  x = write_onnx_layer<Convolution, In>(graph, offset, std::move(x));
  x = write_batch_norm<channels_of<output_of<Convolution, In>>>(
      typename layer::norm{}, graph, offset + weight_count<Convolution, In>, std::move(x));
  if (!shortcut.empty()) x = graph.node("Add", {x, shortcut});
  return layer::has_relu ? graph.node("Relu", {x}) : x;
}

template <class Before, class Last, std::size_t Stride, bool AlwaysProjects, Shape In>
std::string onnx_layer(const residual_block<Before, Last, Stride, AlwaysProjects>&, layer_input<In>,
                       onnx_graph& graph, std::size_t offset, std::string x) {
  using block = residual_block<Before, Last, Stride, AlwaysProjects>;
  using middle = typename block::template middle<In>;
  constexpr std::size_t last = weight_count<Before, In>, projection = last + weight_count<Last, middle>;
  std::string shortcut = x;
  if constexpr (block::template projects<In>)
    shortcut = write_onnx_layer<typename block::template projection<In>, In>(graph, offset + projection, x);
  std::string branch = write_onnx_layer<Before, In>(graph, offset, std::move(x));
  return onnx_layer(Last{}, layer_input<middle>{}, graph, offset + last, std::move(branch), shortcut);
}

template <std::size_t Width, std::size_t Stride, Shape In>
std::string onnx_layer(const bottleneck_convolutions<Width, Stride>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  using layers = bottleneck_convolutions<Width, Stride>;
  x = write_onnx_layer<typename layers::first, In>(graph, offset, std::move(x));
  return write_onnx_layer<typename layers::second, typename layers::template middle<In>>(
      graph, offset + weight_count<typename layers::first, In>, std::move(x));
}

template <std::size_t Squeezed, ImageShape In>
std::string onnx_layer(const squeeze_excitation<Squeezed>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  using layer = squeeze_excitation<Squeezed>;
  std::string scale = graph.node("GlobalAveragePool", {x});
  scale = write_onnx_layer<typename layer::template excitation<In>, typename layer::template squeezed<In>>(
      graph, offset, std::move(scale));
  return graph.node("Mul", {x, scale});
}

}  // namespace pretext::inline v0_1::detail
