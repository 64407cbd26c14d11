// SPDX-License-Identifier: MIT
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pretext/edge/onnx/layers.hpp>
#include <pretext/encoders/vit.hpp>
#include <pretext/io/interpolate_positions.hpp>
#include <pretext/layers/attention.hpp>
#include <pretext/layers/convnext_block.hpp>
#include <pretext/layers/mlp.hpp>
#include <pretext/layers/patch_embedding.hpp>
#include <pretext/layers/positioned_tokens.hpp>
#include <pretext/layers/swiglu_mlp.hpp>
#include <pretext/layers/transformer.hpp>

// The ONNX forms of the layers of vision transformers, and of ConvNeXt's blocks, which contain a perceptron.
namespace pretext::inline v0_1::detail {

template <std::size_t Patch, std::size_t Width, class Init, Shape In>
std::string onnx_layer(const patch_embedding<Patch, Width, Init>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  constexpr auto side = onnx_integer<Patch>;
  constexpr std::size_t pixels = Patch * Patch * In::extents[2];
  const std::string grid =
      graph.node("Conv", {std::move(x), graph.weight(offset), graph.weight(offset + pixels * Width)},
                 {{"kernel_shape", std::vector{side, side}}, {"strides", std::vector{side, side}}});
  return graph.transpose(graph.reshape(grid, {0, onnx_integer<Width>, -1}), {0, 2, 1});
}

/// The positions of the image's grid: those of the table, or resized ones.
template <class Layer, std::size_t Rows, std::size_t Columns, std::size_t TableRows, std::size_t TableColumns,
          class Recipe>
std::string write_positions(onnx_graph& graph, std::size_t offset, std::size_t width) {
  if (!Layer::resizes) return graph.weight(offset);
  const auto table = graph.values(offset, (Layer::positioned + TableRows * TableColumns) * width);
  const auto resized =
      interpolate_positions(std::vector<double>(table.begin(), table.end()), {TableRows, TableColumns},
                            {Rows, Columns}, width, Recipe::resampling, Layer::positioned);
  return graph.constant("resized_positions", {1, Layer::positioned + Rows * Columns, width},
                        std::vector<float>(resized.begin(), resized.end()));
}

template <std::size_t Rows, std::size_t Columns, class Recipe, std::size_t TableRows,
          std::size_t TableColumns, Shape In>
std::string onnx_layer(const positioned_tokens<Rows, Columns, Recipe, TableRows, TableColumns>&,
                       layer_input<In>, onnx_graph& graph, std::size_t offset, std::string x) {
  using layer = positioned_tokens<Rows, Columns, Recipe, TableRows, TableColumns>;
  constexpr std::size_t width = channels_of<In>;
  const std::string positions = write_positions<layer, Rows, Columns, TableRows, TableColumns, Recipe>(
      graph, offset + layer::prefix * width, width);
  const auto rows = [&](std::size_t first, std::size_t last) {
    return graph.node("Slice", {positions, graph.integers({static_cast<std::int64_t>(first)}),
                                graph.integers({static_cast<std::int64_t>(last)}), graph.integers({1})});
  };
  constexpr bool all_have_positions = layer::positioned == layer::prefix;
  if (!all_have_positions)
    x = graph.node("Add",
                   {x, layer::positioned == 0 ? positions
                                              : rows(layer::positioned, layer::positioned + layer::patches)});
  const auto batch = graph.node("Shape", {x}, {{"start", std::int64_t{0}}, {"end", std::int64_t{1}}});
  std::vector<std::string> parts;
  const auto prepend = [&](std::size_t count, std::string token) {
    const auto extents =
        graph.node("Concat", {batch, graph.integers({static_cast<std::int64_t>(count), onnx_integer<width>})},
                   {{"axis", std::int64_t{0}}});
    parts.push_back(graph.node("Expand", {std::move(token), extents}));
  };
  if (Recipe::has_class_token) {
    std::string token = graph.weight(offset);
    if (!all_have_positions && layer::positioned == 1) token = graph.node("Add", {token, rows(0, 1)});
    prepend(1, std::move(token));
  }
  if (Recipe::registers > 0)
    prepend(Recipe::registers, graph.weight(offset + (layer::prefix - Recipe::registers) * width));
  parts.push_back(std::move(x));
  const std::string tokens =
      parts.size() > 1 ? graph.node("Concat", parts, {{"axis", std::int64_t{1}}}) : parts[0];
  return all_have_positions ? graph.node("Add", {tokens, positions}) : tokens;
}

template <std::size_t Ratio, class Init, Shape In>
std::string onnx_layer(const mlp<Ratio, Init>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  using layer = mlp<Ratio, Init>;
  using fc1 = typename layer::template fc1<In>;
  x = write_gelu(graph, write_onnx_layer<fc1, In>(graph, offset, std::move(x)));
  return write_onnx_layer<typename layer::template fc2<In>, typename layer::template hidden<In>>(
      graph, offset + weight_count<fc1, In>, std::move(x));
}

template <std::size_t Ratio, class Init, Shape In>
std::string onnx_layer(const swiglu_mlp<Ratio, Init>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  using layer = swiglu_mlp<Ratio, Init>;
  using fc1 = typename layer::template fc1<In>;
  constexpr auto half = onnx_integer<layer::template hidden_width<In>>;
  x = write_onnx_layer<fc1, In>(graph, offset, std::move(x));
  const auto part = [&](std::int64_t first) {
    return graph.node("Slice",
                      {x, graph.integers({first}), graph.integers({first + half}), graph.integers({-1})});
  };
  const std::string a = part(0), b = part(half);
  const std::string gate = graph.node("Mul", {a, graph.node("Sigmoid", {a})});
  return write_onnx_layer<typename layer::template fc2<In>, typename layer::template gated<In>>(
      graph, offset + weight_count<fc1, In>, graph.node("Mul", {gate, b}));
}

template <ImageShape In>
std::string onnx_layer(const convnext_block&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  using block = convnext_block;
  using pixels = block::pixels<In>;
  const std::string mixed = write_onnx_layer<block::mixer, In>(graph, offset, x);
  std::string y = write_onnx_layer<layer_norm, pixels>(graph, offset + block::norm_at<In>,
                                                       graph.transpose(mixed, {0, 2, 3, 1}));
  y = write_onnx_layer<block::perceptron, pixels>(graph, offset + block::mlp_at<In>, std::move(y));
  y = graph.node("Mul", {y, graph.weight(offset + block::scale_at<In>)});
  return graph.node("Add", {x, graph.transpose(y, {0, 3, 1, 2})});
}

template <std::size_t Heads, class Init, Shape In>
std::string onnx_layer(const attention<Heads, Init>&, layer_input<In>, onnx_graph& graph, std::size_t offset,
                       std::string x) {
  using layer = attention<Heads, Init>;
  using qkv_layer = typename layer::template qkv_layer<In>;
  constexpr auto tokens = onnx_integer<In::extents[0]>, width = onnx_integer<In::extents[1]>,
                 heads = onnx_integer<Heads>;
  // (N, T, 3D) to (3, N, heads, T, D/heads)
  const std::string qkv =
      graph.transpose(graph.reshape(write_onnx_layer<qkv_layer, In>(graph, offset, std::move(x)),
                                    {0, tokens, 3, heads, width / heads}),
                      {2, 0, 3, 1, 4});
  const auto part = [&](std::int64_t index) {
    return graph.node("Squeeze", {graph.node("Slice", {qkv, graph.integers({index}),
                                                       graph.integers({index + 1}), graph.integers({0})}),
                                  graph.integers({0})});
  };
  const std::string q = part(0), k = part(1), v = part(2);
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(width / heads)));
  const auto similarity =
      graph.node("MatMul", {graph.node("Mul", {q, graph.constant(scale)}), graph.transpose(k, {0, 1, 3, 2})});
  const auto mixed =
      graph.node("MatMul", {graph.node("Softmax", {similarity}, {{"axis", std::int64_t{-1}}}), v});
  return write_onnx_layer<typename layer::template proj_layer<In>, In>(
      graph, offset + weight_count<qkv_layer, In>,
      graph.reshape(graph.transpose(mixed, {0, 2, 1, 3}), {0, tokens, width}));
}

template <std::size_t Heads, std::size_t Ratio, class Init, class Perceptron, class Scale, Shape In>
std::string onnx_layer(const transformer_block<Heads, Ratio, Init, Perceptron, Scale>&, layer_input<In>,
                       onnx_graph& graph, std::size_t offset, std::string x) {
  using block = transformer_block<Heads, Ratio, Init, Perceptron, Scale>;
  const auto branch = [&]<class L>(std::string from) {
    std::string y = write_onnx_layer<layer_norm, In>(graph, offset, from);
    offset += weight_count<layer_norm, In>;
    y = write_onnx_layer<L, In>(graph, offset, std::move(y));
    offset += weight_count<L, In>;
    if constexpr (block::is_scaled) {
      y = graph.node("Mul", {y, graph.weight(offset)});
      offset += channels_of<In>;
    }
    return graph.node("Add", {from, y});
  };
  x = branch.template operator()<typename block::mixer>(std::move(x));
  return branch.template operator()<typename block::perceptron>(std::move(x));
}

template <std::size_t Patch, std::size_t Width, std::size_t Depth, std::size_t Heads, class Recipe, Shape In>
std::string onnx_layer(const vit<Patch, Width, Depth, Heads, Recipe>&, layer_input<In>, onnx_graph& graph,
                       std::size_t offset, std::string x) {
  using encoder = vit<Patch, Width, Depth, Heads, Recipe>;
  using patches = typename encoder::template patches<In>;
  using tokens = typename encoder::template tokens<In>;
  x = write_onnx_layer<typename encoder::embedding, In>(graph, offset + encoder::template embedding_at<In>,
                                                        std::move(x));
  x = write_onnx_layer<typename encoder::template position_embedding<In>, patches>(graph, offset,
                                                                                   std::move(x));
  x = write_onnx_layer<typename encoder::blocks, tokens>(graph, offset + encoder::template trunk_at<In>,
                                                         std::move(x));
  const auto norm = [&]<class Normed>() {
    x = write_onnx_layer<layer_norm, Normed>(graph, offset + encoder::template norm_at<In>, std::move(x));
  };
  if constexpr (encoder::norms_tokens) norm.template operator()<tokens>();
  // Otherwise the tokens that become the feature are taken out before the norm, as the encoder does.
  constexpr bool mean = Recipe::feature != token_pooling::class_token;
  constexpr std::size_t first = mean ? tokens::extents[0] - patches::extents[0] : 0;
  x = graph.node("Slice",
                 {x, graph.integers({onnx_integer<first>}),
                  graph.integers({mean ? onnx_integer<tokens::extents[0]> : 1}), graph.integers({1})});
  x = graph.node("ReduceMean", {x}, {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}});
  if constexpr (!encoder::norms_tokens) norm.template operator()<typename encoder::feature>();
  return x;
}

}  // namespace pretext::inline v0_1::detail
