// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/on_host.hpp>
#include <pretext/edge/onnx/layers.hpp>
#include <pretext/edge/onnx/transformers.hpp>
#include <pretext/inference/class_names.hpp>
#include <pretext/inference/classifier_model.hpp>
#include <pretext/inference/encoder_file.hpp>
#include <pretext/inference/encoder_model.hpp>
#include <pretext/io/file.hpp>

// ONNX models of opset 17. The input "images" is (N, C, H, W), floats in [0, 1], at the encoder's size; the
// normalisation is part of the graph, and the metadata say how an image is fitted to that size.
namespace pretext::inline v0_1 {

namespace detail {

inline void add_onnx_value(onnx::ValueInfoProto& value, const char* name,
                           const std::vector<std::size_t>& extents) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("batch");
  for (const std::size_t extent : extents)
    type.mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(extent));
}

/// The model of an encoder, with `finish(graph, features)` adding what follows the features.
template <class Encoder, Shape Images, class Context, class Finish>
onnx::ModelProto make_onnx(const encoder_model<Encoder, Images, Context>& from, safetensors& described,
                           const Finish& finish) {
  constexpr std::size_t channels = channels_of<Images>;
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("pretext");
  model.set_producer_version(encoder_info{}.version);
  model.set_doc_string(
      "images: (batch, channels, rows, columns), floats in [0, 1]. The graph normalises them. Before that, "
      "an "
      "image must have been fitted to this size as the metadata image_fit and interpolation say.");
  onnx::OperatorSetIdProto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(17);

  onnx::GraphProto& proto = *model.mutable_graph();
  proto.set_name("encoder");
  add_onnx_value(*proto.add_input(), "images", {channels, Images::extents[0], Images::extents[1]});
  std::vector<typename Context::weight> copy;
  const auto weights = on_host<typename Context::device, typename Context::weight>(
      Context{}.stream, from.weights().value, weight_count<Encoder, Images>, copy);
  const std::vector<float> values{weights.begin(), weights.end()};
  onnx_graph graph{proto, from.parameters(), values.data()};
  const auto info = info_of<Encoder, Images>(from.preprocessing());
  const auto& [mean, deviation] = from.preprocessing().normalisation;
  const auto numbers = [](const auto& pixel) {
    if constexpr (channels == 3)
      return std::vector{pixel.r, pixel.g, pixel.b};
    else
      return std::vector<float>(pixel.channel, pixel.channel + channels);
  };
  const auto centred = graph.node("Sub", {"images", graph.constant("mean", {channels, 1, 1}, numbers(mean))});
  const auto input =
      graph.node("Div", {centred, graph.constant("std", {channels, 1, 1}, numbers(deviation))});
  const std::string features = write_onnx_layer<Encoder, Images>(graph, 0, input);
  graph.node("Identity", {features}, {}, "features");
  add_onnx_value(*proto.add_output(), "features", {output_of<Encoder, Images>::size});
  finish(graph, proto);
  write_encoder_info(info, described);
  described.metadata["input"] =
      "images: (batch, channels, rows, columns), floats in [0, 1], normalised by the graph";
  for (const auto& [key, value] : described.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  return model;
}

}  // namespace detail

/// The ONNX model of an encoder, with the output "features" (N, D).
template <class Encoder, Shape Images, class Context>
onnx::ModelProto onnx_model(const encoder_model<Encoder, Images, Context>& from) {
  safetensors described;
  return detail::make_onnx(from, described, [](onnx_graph&, onnx::GraphProto&) {});
}

/// The ONNX model of a classifier, with the outputs "features" (N, D), "logits" and "probabilities" (N,
/// classes) and the metadata "classes", a JSON array of their names.
template <class Encoder, Shape Images, class Context>
onnx::ModelProto onnx_model(const classifier_model<Encoder, Images, Context>& from) {
  const std::size_t classes = from.classes();
  safetensors described;
  write_class_names(from.class_names(), described);
  return detail::make_onnx(from.encoder(), described, [&](onnx_graph& graph, onnx::GraphProto& proto) {
    const std::vector<float> head = from.head();
    const auto weight = std::span{head}.first(classes * from.feature_size);
    const std::string name{from.head_name};
    graph.node("Gemm",
               {"features", graph.constant(name + ".weight", {classes, from.feature_size}, weight),
                graph.constant(name + ".bias", {classes}, std::span{head}.subspan(weight.size()))},
               {{"transB", std::int64_t{1}}}, "logits");
    graph.node("Softmax", {"logits"}, {{"axis", std::int64_t{-1}}}, "probabilities");
    detail::add_onnx_value(*proto.add_output(), "logits", {classes});
    detail::add_onnx_value(*proto.add_output(), "probabilities", {classes});
  });
}

/// Writes an ONNX model; the file is either the old one or the new one, never a part. Throws
/// std::invalid_argument for a model of more than 2 GiB, std::runtime_error if the file cannot be written.
inline void write_onnx(const std::filesystem::path& path, const onnx::ModelProto& model) {
  constexpr std::size_t most = 0x7fffffff;
  expects(model.ByteSizeLong() <= most, path.string(), ": a model of ", model.ByteSizeLong(),
          " bytes does not fit into one ONNX file, which holds ", most, " bytes");
  std::string bytes;
  expects(model.SerializeToString(&bytes), path.string(), ": the model cannot be serialised");
  output_file out{path};
  out.write(std::as_bytes(std::span{bytes}));
  out.commit();
}

/// Writes an `encoder_model` or a `classifier_model` as an ONNX file. A layer without an ONNX form is a
/// compile error that says what to add.
template <class Model>
void write_onnx(const std::filesystem::path& path, const Model& model) {
  write_onnx(path, onnx_model(model));
}

}  // namespace pretext::inline v0_1
