// SPDX-License-Identifier: MIT
#pragma once
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pretext/core/expects.hpp>
#include <pretext/devices/cuda/cudnn_graph.hpp>

namespace pretext::inline v0_1::detail {

/// The passes in which cuDNN fuses a product with the exact GELU: the product before it, and in the backward
/// pass the product whose result is multiplied by its derivative. cuDNN compiles the kernels at run time.
enum class gelu_pass { forward, backward };

/// Rows x (rows, contracted) times weights w, of which the results have `columns`. Forward, w is (columns,
/// contracted) and y = GELU(product + bias), where product = x·wᵀ is stored, too, if `keeps_product`.
/// Backward, w is (contracted, columns) and y = (x·w)∘GELU'(product + bias), where the product is that of the
/// forward pass. The bias is float.
struct cudnn_gelu {
  gelu_pass pass;
  cudnnDataType_t type;  ///< of all but the bias
  std::int64_t rows, contracted, columns;
  bool keeps_product;
  friend auto operator<=>(const cudnn_gelu&, const cudnn_gelu&) = default;
};

/// The identifiers of the tensors in its graph.
enum gelu_name : std::int64_t { gelu_rows = 1, gelu_weights, gelu_bias, gelu_product, gelu_results };

/// The descriptors of its graph; the last one is the graph.
inline std::vector<cudnn_descriptor> graph_of(const cudnn_gelu& of, cudnnHandle_t handle) {
  using layout = cudnn_graph::layout;
  const auto matrix = [](std::int64_t rows, std::int64_t columns) {
    return layout{{1, rows, columns}, {rows * columns, columns, 1}, 3};
  };
  const layout results = matrix(of.rows, of.columns),
               transposed{{1, of.contracted, of.columns}, {of.contracted * of.columns, 1, of.contracted}, 3};
  cudnn_graph graph;
  const auto x = graph.tensor(gelu_rows, of.type, matrix(of.rows, of.contracted)),
             bias = graph.tensor(gelu_bias, CUDNN_DATA_FLOAT, matrix(1, of.columns)),
             y = graph.tensor(gelu_results, of.type, results),
             sum = graph.intermediate(CUDNN_DATA_FLOAT, results);
  if (of.pass == gelu_pass::forward) {
    const auto w = graph.tensor(gelu_weights, of.type, transposed),
               product = of.keeps_product ? graph.tensor(gelu_product, of.type, results)
                                          : graph.intermediate(CUDNN_DATA_FLOAT, results);
    graph.multiply(x, w, product);
    graph.pointwise(CUDNN_POINTWISE_ADD, product, bias, sum);
    graph.pointwise(CUDNN_POINTWISE_GELU_FWD, sum, nullptr, y);
  } else {
    const auto w = graph.tensor(gelu_weights, of.type, matrix(of.contracted, of.columns)),
               product = graph.tensor(gelu_product, of.type, results),
               dy = graph.intermediate(CUDNN_DATA_FLOAT, results);
    graph.multiply(x, w, dy);
    graph.pointwise(CUDNN_POINTWISE_ADD, product, bias, sum);
    graph.pointwise_gradient(CUDNN_POINTWISE_GELU_BWD, sum, dy, y);
  }
  return std::move(graph).finish(handle);
}

/// Its name among the choices of plans.
inline std::string name_of(const cudnn_gelu& of) {
  return str_cat(of.pass == gelu_pass::forward ? "product with GELU " : "product with GELU's gradient ",
                 of.rows, "x", of.columns, "x", of.contracted,
                 of.type == CUDNN_DATA_BFLOAT16 ? " bfloat16" : " float16", of.keeps_product ? ", kept" : "");
}

/// The bytes of workspace that a plan may use.
inline std::size_t max_workspace(const cudnn_gelu&) { return std::size_t{64} << 20; }

/// How many of its proposals are timed: to complete one, cuDNN compiles a kernel.
inline std::size_t most_timed(const cudnn_gelu&) { return 2; }

}  // namespace pretext::inline v0_1::detail
