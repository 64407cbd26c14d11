#pragma once
// What the parts of the mock of cuDNN share.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <cudnn_graph.h>

#include "cuda/mock_library.hpp"
#include "runtime.hpp"

namespace pretext::tests::mock_cudnn {

/// The attributes of a descriptor: a tensor, an operation, a plan.
struct description {
  cudnnBackendDescriptorType_t kind{};
  std::map<int, std::vector<std::byte>> attributes{};
  const description* graph = nullptr;  // the operation graph that a plan or heuristic belongs to
  int engine = 0;                      // of a proposal or plan: its number

  template <class T>
  T get(cudnnBackendAttributeName_t name, std::size_t index = 0) const {
    const auto found = attributes.find(name);
    T value;
    if (found == attributes.end() || found->second.size() < (index + 1) * sizeof value)
      throw ptx::fault{"a cuDNN descriptor lacks attribute " + std::to_string(name)};
    std::memcpy(&value, found->second.data() + index * sizeof value, sizeof value);
    return value;
  }
  /// A scaling factor, which has a default.
  double scale(cudnnBackendAttributeName_t name, double otherwise) const {
    const auto found = attributes.find(name);
    if (found == attributes.end()) return otherwise;
    return found->second.size() == 8 ? get<double>(name) : static_cast<double>(get<float>(name));
  }
  const description& other(cudnnBackendAttributeName_t name, std::size_t index = 0) const {
    return *static_cast<const description*>(get<void*>(name, index));
  }
  /// How many values of eight bytes an attribute has.
  std::size_t count(cudnnBackendAttributeName_t name) const {
    const auto found = attributes.find(name);
    return found == attributes.end() ? 0 : found->second.size() / 8;
  }
};
inline description& of(cudnnBackendDescriptor_t handle) { return *static_cast<description*>(handle); }

inline std::size_t bytes_of(cudnnBackendAttributeType_t type) {
  if (type == CUDNN_TYPE_BOOLEAN) return sizeof(bool);
  const bool wide = type == CUDNN_TYPE_INT64 || type == CUDNN_TYPE_BACKEND_DESCRIPTOR ||
                    type == CUDNN_TYPE_HANDLE || type == CUDNN_TYPE_VOID_PTR || type == CUDNN_TYPE_DOUBLE;
  return wide ? 8 : 4;
}

/// The operations of a graph, in order.
inline std::vector<const description*> operations_of(const description& graph) {
  std::vector<const description*> all;
  for (std::size_t i = 0; i < graph.count(CUDNN_ATTR_OPERATIONGRAPH_OPS); ++i)
    all.push_back(&graph.other(CUDNN_ATTR_OPERATIONGRAPH_OPS, i));
  return all;
}

constexpr auto tensor_name = CUDNN_ATTR_TENSOR_UNIQUE_ID;
using index = std::array<std::int64_t, 4>;

inline bool flag(const description& tensor, cudnnBackendAttributeName_t name) {
  return tensor.attributes.contains(name) && tensor.get<bool>(name);
}
/// A tensor's four numbers; if it has three, `otherwise` and these.
inline index four_of(const description& tensor, cudnnBackendAttributeName_t name, std::int64_t otherwise) {
  index all;
  all.fill(otherwise);
  const std::size_t count = tensor.count(name);
  for (std::size_t d = 0; d < count; ++d) all.at(4 - count + d) = tensor.get<std::int64_t>(name, d);
  return all;
}
inline index extents_of(const description& tensor) {
  return four_of(tensor, CUDNN_ATTR_TENSOR_DIMENSIONS, 1);
}
inline cudaDataType_t type_of(const description& tensor) {
  return tensor.get<cudnnDataType_t>(CUDNN_ATTR_TENSOR_DATA_TYPE) == CUDNN_DATA_BFLOAT16 ? CUDA_R_16BF
                                                                                         : CUDA_R_32F;
}

/// What cuDNN computes in one kernel: "attention", forward or backward, or "GELU-product", forward or
/// its gradient; null for other operations.
const char* name_of_graph(const std::vector<const description*>& operations);
/// Whether an engine executes this graph; see fused_graphs.cpp.
bool executes_graph(int engine, const std::vector<const description*>& operations);
/// What cuDNN stores between the products of attention's backward pass, 0 for other graphs: a gradient of
/// each score, in two bytes, in tiles of 64 queries and 128 keys.
std::int64_t bytes_between_products(const std::vector<const description*>& operations);
/// What the kernel computes and moves.
ptx::library_work graph_size(const std::vector<const description*>& operations);
/// The numbers that the host passes to the operations, by name: a recorded graph keeps their values.
std::map<std::int64_t, double> numbers_of_host(const std::vector<const description*>& operations,
                                               const std::map<std::int64_t, void*>& arguments);
/// Computes operations one after the other, on tensors in device memory.
void evaluate(const std::vector<const description*>& operations, const std::map<std::int64_t, void*>& memory,
              const std::map<std::int64_t, double>& numbers);

}  // namespace pretext::tests::mock_cudnn
