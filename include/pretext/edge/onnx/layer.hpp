// SPDX-License-Identifier: MIT
#pragma once
#include <concepts>
#include <cstddef>
#include <string>
#include <utility>

#include <pretext/core/concepts.hpp>
#include <pretext/edge/onnx/graph.hpp>

// Each layer type of the library has one overload of `onnx_layer`, which also takes the types derived from
// it: a network is a struct that derives from a `sequential`. A layer of a user's own has a static member
// instead.
namespace pretext::inline v0_1 {

namespace detail {

/// The shape of the samples that enter a layer. Overloads of `onnx_layer` are found because this is declared
/// beside them.
template <Shape In>
struct layer_input {};

template <class L, class In>
concept HasWriteOnnx = requires(onnx_graph& graph, std::string x) {
  { L::template write_onnx<In>(graph, std::size_t{}, x) } -> std::convertible_to<std::string>;
};
template <class L, class In>
concept HasOnnxOverload = requires(onnx_graph& graph, std::string x, const L& layer, layer_input<In> input) {
  { onnx_layer(layer, input, graph, std::size_t{}, x) } -> std::convertible_to<std::string>;
};
}  // namespace detail

/// Writes the nodes of layer L, for samples of shape In, to `graph` and returns the name of its output.
/// `offset` is where the layer's weights begin in the network's flat buffer, `x` is the layer's input.
template <class L, Shape In>
std::string write_onnx_layer(onnx_graph& graph, std::size_t offset, std::string x) {
  static_assert(detail::HasWriteOnnx<L, In> || detail::HasOnnxOverload<L, In>,
                "pretext::write_onnx: this layer has no ONNX form. Give it a static member `template <Shape "
                "In> static std::string write_onnx(onnx_graph& graph, std::size_t offset, std::string x)`, "
                "which adds its nodes and returns the name of its output.");
  if constexpr (detail::HasWriteOnnx<L, In>)
    return L::template write_onnx<In>(graph, offset, std::move(x));
  else if constexpr (detail::HasOnnxOverload<L, In>)
    return onnx_layer(L{}, detail::layer_input<In>{}, graph, offset, std::move(x));
  else
    return x;
}

}  // namespace pretext::inline v0_1
