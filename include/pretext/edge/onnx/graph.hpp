// SPDX-License-Identifier: MIT
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <onnx/onnx_pb.h>

#include <pretext/core/expects.hpp>
#include <pretext/core/parameter.hpp>
#include <pretext/io/torch_weights.hpp>

// ONNX graphs have their channels first, as PyTorch has: a sample (H, W, C) of the library is (N, C, H, W) in
// the graph, tokens (T, D) are (N, T, D), a feature (D) is (N, D). N is free.
namespace pretext::inline v0_1 {

/// An attribute of a node.
struct onnx_attribute {
  std::string_view name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

/// Writes the nodes of a network to an ONNX graph. A value is named by a text; `node` returns the name of its
/// output. Weights are found by their offsets in the network's flat buffer, and have PyTorch's names, shapes
/// and layouts in the graph. The graph, the table and the values must outlive this object.
class onnx_graph {
 public:
  onnx_graph(onnx::GraphProto& graph, std::span<const parameter> table, const float* values)
      : graph_{&graph}, values_{values} {
    for (const parameter& p : table) rows_[p.offset] = &p;
  }

  /// Adds a node and returns the name of its output, which is `output` if that is given.
  std::string node(std::string_view operation, const std::vector<std::string>& inputs,
                   const std::vector<onnx_attribute>& attributes = {}, std::string output = {}) {
    if (output.empty()) output = str_cat(operation, "_", count_++);
    onnx::NodeProto& added = *graph_->add_node();
    added.set_name(output);
    added.set_op_type(std::string{operation});
    for (const std::string& input : inputs) added.add_input(input);
    added.add_output(output);
    for (const auto& [name, value] : attributes) add_attribute(added, name, value);
    return output;
  }

  /// The weight that begins at `offset` of the flat buffer.
  std::string weight(std::size_t offset) {
    const auto found = rows_.find(offset);
    expects(found != rows_.end(), "onnx_graph::weight: no parameter of the network begins at ", offset);
    const parameter& p = *found->second;
    std::vector<float> torch(p.size());
    for (std::size_t i = 0; i < torch.size(); ++i) torch[i] = values_[p.offset + detail::flat_index(p, i)];
    return constant(std::string{p.name()}, {p.extents.begin(), p.extents.begin() + std::ptrdiff_t(p.rank)},
                    torch);
  }

  /// `count` values of the flat buffer from `offset` on.
  std::span<const float> values(std::size_t offset, std::size_t count) const {
    return {values_ + offset, count};
  }

  /// A constant tensor of floats; a name that the graph has already is not added twice.
  std::string constant(std::string name, const std::vector<std::size_t>& extents,
                       std::span<const float> values) {
    if (onnx::TensorProto* added = add_tensor(name, extents, onnx::TensorProto::FLOAT))
      added->set_raw_data(values.data(), values.size_bytes());
    return name;
  }
  /// One constant number.
  std::string constant(float value) {
    return constant(str_cat("constant_", value), {}, std::span{&value, 1});
  }
  /// A constant list of integers, as shapes and axes are.
  std::string integers(const std::vector<std::int64_t>& values) {
    std::string name = "integers";
    for (const std::int64_t value : values) name += str_cat("_", value);
    if (onnx::TensorProto* added = add_tensor(name, {values.size()}, onnx::TensorProto::INT64))
      added->set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
    return name;
  }

  /// `x` with its axes in another order.
  std::string transpose(const std::string& x, std::vector<std::int64_t> order) {
    return node("Transpose", {x}, {{"perm", std::move(order)}});
  }
  /// `x` with other extents; 0 keeps the extent of x at that position, which the batch needs.
  std::string reshape(const std::string& x, const std::vector<std::int64_t>& extents) {
    return node("Reshape", {x, integers(extents)});
  }

 private:
  onnx::TensorProto* add_tensor(const std::string& name, const std::vector<std::size_t>& extents,
                                onnx::TensorProto::DataType type) {
    if (!constants_.insert(name).second) return nullptr;
    onnx::TensorProto& added = *graph_->add_initializer();
    added.set_name(name);
    added.set_data_type(type);
    for (const std::size_t extent : extents) added.add_dims(static_cast<std::int64_t>(extent));
    return &added;
  }

  static void add_attribute(onnx::NodeProto& to, std::string_view name, const auto& value) {
    onnx::AttributeProto& added = *to.add_attribute();
    added.set_name(std::string{name});
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      added.set_type(onnx::AttributeProto::INT);
      added.set_i(*integer);
    } else if (const auto* number = std::get_if<float>(&value)) {
      added.set_type(onnx::AttributeProto::FLOAT);
      added.set_f(*number);
    } else {
      added.set_type(onnx::AttributeProto::INTS);
      for (const std::int64_t each : std::get<std::vector<std::int64_t>>(value)) added.add_ints(each);
    }
  }

  onnx::GraphProto* graph_;
  const float* values_;
  std::map<std::size_t, const parameter*> rows_;
  std::set<std::string> constants_;
  std::size_t count_ = 0;
};

}  // namespace pretext::inline v0_1
