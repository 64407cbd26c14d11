// SPDX-License-Identifier: MIT
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <pretext/devices/cuda/cudnn_descriptor.hpp>

namespace pretext::inline v0_1::detail {

/// A graph of cuDNN operations under construction. cuDNN's handles of descriptors stay valid as long as the
/// descriptors that `finish` returns.
class cudnn_graph {
 public:
  /// A descriptor that the graph keeps.
  using part = cudnnBackendDescriptor_t;
  /// `rank` extents, and the distances in elements between neighbours along each.
  struct layout {
    std::array<std::int64_t, 4> extents, strides;
    std::int64_t rank = 4;
  };

  /// A tensor in memory, aligned to 16 bytes.
  part tensor(std::int64_t name, cudnnDataType_t type, const layout& where) {
    return keep(describe(name, type, where));
  }
  /// One float that the host passes.
  part scalar(std::int64_t name) {
    cudnn_descriptor number = describe(name, CUDNN_DATA_FLOAT, {{1, 1, 1, 1}, {1, 1, 1, 1}});
    number.set(CUDNN_ATTR_TENSOR_IS_BY_VALUE, CUDNN_TYPE_BOOLEAN, true);
    return keep(std::move(number));
  }
  /// A tensor that one operation passes to others, and that need not be stored.
  part intermediate(cudnnDataType_t type, const layout& where) {
    cudnn_descriptor passed = describe(next_name_++, type, where);
    passed.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, true);
    return keep(std::move(passed));
  }

  /// Finalizes a descriptor and keeps it.
  part keep(cudnn_descriptor descriptor) {
    descriptor.finish();
    good_ = good_ && descriptor.good();
    parts_.push_back(std::move(descriptor));
    return parts_.back().raw();
  }
  /// Finalizes an operation and appends it to the graph.
  void add(cudnn_descriptor operation) { operations_.push_back(keep(std::move(operation))); }

  /// result = a·b, with the sums in float.
  void multiply(part a, part b, part result) {
    cudnn_descriptor kind{CUDNN_BACKEND_MATMUL_DESCRIPTOR};
    kind.set(CUDNN_ATTR_MATMUL_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    cudnn_descriptor operation{CUDNN_BACKEND_OPERATION_MATMUL_DESCRIPTOR};
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_ADESC, a);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_BDESC, b);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_CDESC, result);
    operation.set(CUDNN_ATTR_OPERATION_MATMUL_DESC, keep(std::move(kind)));
    add(std::move(operation));
  }
  /// result = a function of x, and of `second` unless that is null, computed in float.
  void pointwise(cudnnPointwiseMode_t mode, part x, part second, part result) {
    cudnn_descriptor operation = pointwise_operation(mode);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (second) operation.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, second);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, result);
    add(std::move(operation));
  }
  /// dx = the derivative of a function at x times dy, computed in float.
  void pointwise_gradient(cudnnPointwiseMode_t mode, part x, part dy, part dx) {
    cudnn_descriptor operation = pointwise_operation(mode);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_DYDESC, dy);
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_DXDESC, dx);
    add(std::move(operation));
  }

  /// All descriptors, of which the last one is the graph; none if cuDNN refused any. The handle may be null
  /// for plans of a device that is not present.
  std::vector<cudnn_descriptor> finish(cudnnHandle_t handle) && {
    constexpr auto graph_handle =
        static_cast<cudnnBackendAttributeName_t>(800);  // deprecated in some versions
    cudnn_descriptor graph{CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR};
    if (handle) graph.set(graph_handle, CUDNN_TYPE_HANDLE, handle);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations_.data(),
              static_cast<std::int64_t>(operations_.size()));
    keep(std::move(graph));
    if (!good_) parts_.clear();
    return std::move(parts_);
  }

 private:
  cudnn_descriptor pointwise_operation(cudnnPointwiseMode_t mode) {
    cudnn_descriptor kind{CUDNN_BACKEND_POINTWISE_DESCRIPTOR};
    kind.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, mode);
    kind.set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    cudnn_descriptor operation{CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR};
    operation.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, keep(std::move(kind)));
    return operation;
  }
  static cudnn_descriptor describe(std::int64_t name, cudnnDataType_t type, const layout& where) {
    cudnn_descriptor tensor{CUDNN_BACKEND_TENSOR_DESCRIPTOR};
    tensor.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, {name});
    tensor.set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, type);
    tensor.set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, where.extents.data(), where.rank);
    tensor.set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, where.strides.data(), where.rank);
    tensor.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, {16});
    return tensor;
  }

  std::vector<cudnn_descriptor> parts_;
  std::vector<part> operations_;
  std::int64_t next_name_ = 1000;  // above those that have a meaning
  bool good_ = true;
};

}  // namespace pretext::inline v0_1::detail
