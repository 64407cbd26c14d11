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
#include <pretext/devices/cuda/gpu_plans.hpp>

namespace pretext::inline v0_1::detail {

/// The two passes of attention.
enum class attention_pass { forward, backward };

/// Attention of `heads` in one row of qkv (batch, tokens, 3, heads, width), in cuDNN's terms. Its results
/// have rows (batch, tokens, heads, width).
struct cudnn_attention {
  attention_pass pass;
  cudnnDataType_t type;  ///< of all but the statistics, which are float
  std::int64_t batch, heads, tokens, width;
  friend auto operator<=>(const cudnn_attention&, const cudnn_attention&) = default;
};

/// The identifiers of the tensors in a graph of attention. `attention_sums` (batch, heads, tokens) holds the
/// logarithms of the sums of exponentials, `attention_deltas` those of dy∘y, `attention_scale` is a float of
/// the host, and so is `attention_kept`, which is 1.
enum attention_name : std::int64_t {
  attention_queries = 1,
  attention_keys,
  attention_values,
  attention_outputs,
  attention_sums,
  attention_scale,
  attention_doutputs,
  attention_deltas,
  attention_kept,
  attention_dqueries,
  attention_dkeys,
  attention_dvalues
};

/// The operations of which cuDNN fuses attention, in the order and with the layouts in which it recognises
/// them.
class attention_graph {
 public:
  using part = cudnn_graph::part;
  using layout = cudnn_graph::layout;

  explicit attention_graph(const cudnn_attention& attention) : a_{attention} {}

  std::vector<cudnn_descriptor> finish(cudnnHandle_t handle) && {
    if (a_.pass == attention_pass::forward)
      add_forward();
    else
      add_backward();
    return std::move(graph_).finish(handle);
  }

 private:
  /// scores = scale·q·kᵀ; statistics = max + log Σ exp(scores - max); y = softmax(scores)·v
  void add_forward() {
    const part q = graph_.tensor(attention_queries, a_.type, packed(3)),
               k = graph_.tensor(attention_keys, a_.type, turned(packed(3))),
               v = graph_.tensor(attention_values, a_.type, packed(3)),
               y = graph_.tensor(attention_outputs, a_.type, packed(1)),
               statistics = graph_.tensor(attention_sums, CUDNN_DATA_FLOAT, per_query());
    const part scores =
        pointwise(CUDNN_POINTWISE_MUL, scores_of(q, k), graph_.scalar(attention_scale), pairs());
    const part largest = reduce(CUDNN_REDUCE_TENSOR_MAX, scores);
    const part weights =
        pointwise(CUDNN_POINTWISE_EXP, pointwise(CUDNN_POINTWISE_SUB, scores, largest, pairs()), pairs());
    const part sum = reduce(CUDNN_REDUCE_TENSOR_ADD, weights);
    const part logarithm = pointwise(CUDNN_POINTWISE_LOG, sum, per_query());
    graph_.pointwise(CUDNN_POINTWISE_ADD, largest, logarithm, statistics);
    const part p = graph_.intermediate(a_.type, pairs());
    graph_.pointwise(CUDNN_POINTWISE_DIV, weights, sum, p);
    graph_.multiply(p, v, y);
  }

  /// With p = exp(scores - statistics) and ds = scale·p∘(dy·vᵀ - Σ dy∘y): dv = pᵀ·dy, dk = dsᵀ·q, dq = ds·k.
  /// That dq is one product, not a sum of atomic additions, makes it deterministic.
  void add_backward() {
    const part q = graph_.tensor(attention_queries, a_.type, packed(3)),
               k = graph_.tensor(attention_keys, a_.type, turned(packed(3))),
               v = graph_.tensor(attention_values, a_.type, turned(packed(3))),
               y = graph_.tensor(attention_outputs, a_.type, packed(1)),
               dy = graph_.tensor(attention_doutputs, a_.type, packed(1)),
               statistics = graph_.tensor(attention_sums, CUDNN_DATA_FLOAT, per_query()),
               delta = graph_.tensor(attention_deltas, CUDNN_DATA_FLOAT, per_query()),
               dq = graph_.tensor(attention_dqueries, a_.type, packed(3)),
               dk = graph_.tensor(attention_dkeys, a_.type, packed(3)),
               dv = graph_.tensor(attention_dvalues, a_.type, packed(3)),
               scale = graph_.scalar(attention_scale);
    const layout head{packed(1).extents,
                      {a_.heads * a_.tokens * a_.width, a_.tokens * a_.width, a_.heads * a_.width, 1}};
    const part sum = reduce(CUDNN_REDUCE_TENSOR_ADD, pointwise(CUDNN_POINTWISE_MUL, dy, y, head));
    graph_.pointwise(CUDNN_POINTWISE_MUL, sum, graph_.scalar(attention_kept), delta);
    const part scores = pointwise(CUDNN_POINTWISE_MUL, scores_of(q, k), scale, pairs());
    const part p =
        pointwise(CUDNN_POINTWISE_EXP, pointwise(CUDNN_POINTWISE_SUB, scores, statistics, pairs()), pairs());
    graph_.multiply(turned(p), dy, dv);
    const part dp = pointwise(CUDNN_POINTWISE_SUB, scores_of(dy, v), delta, pairs());
    const part ds =
        pointwise(CUDNN_POINTWISE_MUL, pointwise(CUDNN_POINTWISE_MUL, dp, p, pairs()), scale, pairs());
    graph_.multiply(turned(ds), q, dk);
    const part rows_of_keys = graph_.intermediate(CUDNN_DATA_FLOAT, packed(3));
    reshape(k, rows_of_keys);
    graph_.multiply(ds, rows_of_keys, dq);
  }

  /// (batch, heads, tokens, width) in rows that hold `of` such tensors side by side.
  layout packed(std::int64_t of) const {
    const std::int64_t row = of * a_.heads * a_.width;
    return {{a_.batch, a_.heads, a_.tokens, a_.width}, {a_.tokens * row, a_.width, row, 1}};
  }
  layout pairs() const {
    const std::int64_t t = a_.tokens;
    return {{a_.batch, a_.heads, t, t}, {a_.heads * t * t, t * t, t, 1}};
  }
  layout per_query() const {
    return {{a_.batch, a_.heads, a_.tokens, 1}, {a_.heads * a_.tokens, a_.tokens, 1, 1}};
  }
  static layout turned(layout of) {
    std::swap(of.extents[2], of.extents[3]);
    std::swap(of.strides[2], of.strides[3]);
    return of;
  }
  /// A matrix per head for each pair of tokens, turned and rounded.
  part turned(part x) {
    const part result = graph_.intermediate(a_.type, turned(pairs()));
    reshape(x, result);
    return result;
  }

  part scores_of(part rows, part columns) {
    const part result = graph_.intermediate(CUDNN_DATA_FLOAT, pairs());
    graph_.multiply(rows, columns, result);
    return result;
  }
  part pointwise(cudnnPointwiseMode_t mode, part x, const layout& where) {
    return pointwise(mode, x, nullptr, where);
  }
  part pointwise(cudnnPointwiseMode_t mode, part x, part second, const layout& where) {
    const part result = graph_.intermediate(CUDNN_DATA_FLOAT, where);
    graph_.pointwise(mode, x, second, result);
    return result;
  }
  /// Over the last extent.
  part reduce(cudnnReduceTensorOp_t with, part x) {
    const part result = graph_.intermediate(CUDNN_DATA_FLOAT, per_query());
    cudnn_descriptor kind{CUDNN_BACKEND_REDUCTION_DESCRIPTOR};
    kind.set(CUDNN_ATTR_REDUCTION_OPERATOR, CUDNN_TYPE_REDUCTION_OPERATOR_TYPE, with);
    kind.set(CUDNN_ATTR_REDUCTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    cudnn_descriptor operation{CUDNN_BACKEND_OPERATION_REDUCTION_DESCRIPTOR};
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_DESC, graph_.keep(std::move(kind)));
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_XDESC, x);
    operation.set(CUDNN_ATTR_OPERATION_REDUCTION_YDESC, result);
    graph_.add(std::move(operation));
    return result;
  }
  void reshape(part x, part result) {
    cudnn_descriptor operation{CUDNN_BACKEND_OPERATION_RESHAPE_DESCRIPTOR};
    operation.set(CUDNN_ATTR_OPERATION_RESHAPE_XDESC, x);
    operation.set(CUDNN_ATTR_OPERATION_RESHAPE_YDESC, result);
    graph_.add(std::move(operation));
  }

  cudnn_attention a_;
  cudnn_graph graph_;
};

/// The descriptors of attention's graph; the last one is the graph.
inline std::vector<cudnn_descriptor> graph_of(const cudnn_attention& attention, cudnnHandle_t handle) {
  return attention_graph{attention}.finish(handle);
}

/// The attention's name among the choices of plans.
inline std::string name_of(const cudnn_attention& a) {
  return str_cat(a.pass == attention_pass::forward ? "attention" : "attention's gradient", " of ", a.batch,
                 " images with ", a.heads, " heads of ", a.width, " channels and ", a.tokens, " tokens ",
                 a.type == CUDNN_DATA_BFLOAT16 ? "bfloat16" : "float16");
}

/// The bytes of workspace that a plan may use. Its backward pass stores ds, (batch, heads, tokens, tokens).
inline std::size_t max_workspace(const cudnn_attention&) { return std::size_t{1} << 30; }

/// How many of its proposals are timed.
inline std::size_t most_timed(const cudnn_attention&) { return max_timed_proposals; }

}  // namespace pretext::inline v0_1::detail
