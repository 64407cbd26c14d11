#pragma once
// What the parts of the mock of cuDNN share.
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

/// Whether the operations are attention, forward or backward, as cuDNN recognises it.
bool is_attention(const std::vector<const description*>& operations);
/// Whether an engine executes this attention; see attention.cpp.
bool executes_attention(int engine, const std::vector<const description*>& operations);
/// What cuDNN stores between the products of the backward pass: a gradient of each score, in two bytes, in
/// tiles of 64 queries and 128 keys.
std::int64_t bytes_between_products(const std::vector<const description*>& operations);
/// What the attention of these operations computes and moves.
ptx::library_work attention_size(const std::vector<const description*>& operations);
/// The numbers that the host passes to the operations, by name: a recorded graph keeps their values.
std::map<std::int64_t, double> numbers_of_host(const std::vector<const description*>& operations,
                                               const std::map<std::int64_t, void*>& arguments);
/// Computes operations one after the other, on tensors in device memory.
void attend(const std::vector<const description*>& operations, const std::map<std::int64_t, void*>& memory,
            const std::map<std::int64_t, double>& numbers);

}  // namespace pretext::tests::mock_cudnn
