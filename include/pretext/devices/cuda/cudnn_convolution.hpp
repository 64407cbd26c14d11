// SPDX-License-Identifier: MIT
#pragma once
#include <algorithm>
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

/// The three passes of a convolution: its result, the gradient of its input, the gradient of its weights.
enum class convolution_pass { forward, data, weights };

/// A convolution in cuDNN's terms: images (batch, in, height, width), results (batch, out, out_height,
/// out_width) and filters (out, in, rows, columns), all with the channels last in memory.
struct cudnn_convolution {
  convolution_pass pass;
  cudnnDataType_t type, filter_type;  ///< of images and results, of filters
  std::int64_t batch, height, width, in, out, out_height, out_width, rows, columns, stride, padding;
  bool accumulates = false;  ///< adds to what the result holds
  bool sums = false;         ///< forward: also sums the results of each channel, and their squares, in float
  friend auto operator<=>(const cudnn_convolution&, const cudnn_convolution&) = default;
};

/// The identifiers of the tensors in a graph; the sums are (out).
inline constexpr std::int64_t image_name = 'x', result_name = 'y', filter_name = 'w', sum_name = 's',
                              square_sum_name = 'q';

/// The descriptor type of a pass and its attributes.
struct convolution_attributes {
  cudnnBackendDescriptorType_t kind;
  cudnnBackendAttributeName_t alpha, beta, convolution, images, results, filters;
};
inline convolution_attributes attributes_of(convolution_pass pass) {
  if (pass == convolution_pass::forward)
    return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
            CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W};
  if (pass == convolution_pass::data)
    return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
            CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W};
  return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
          CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW};
}

/// The descriptors of a graph with one operation, or two with sums; the last one is the graph.
inline std::vector<cudnn_descriptor> graph_of(const cudnn_convolution& c, cudnnHandle_t handle) {
  cudnn_graph graph;
  const auto tensor = [&](std::int64_t name, cudnnDataType_t type, std::int64_t outer, std::int64_t channels,
                          std::int64_t height, std::int64_t width) {
    return graph.tensor(
        name, type,
        {{outer, channels, height, width}, {height * width * channels, 1, width * channels, channels}});
  };
  const auto images = tensor(image_name, c.type, c.batch, c.in, c.height, c.width),
             results = tensor(result_name, c.type, c.batch, c.out, c.out_height, c.out_width),
             filters = tensor(filter_name, c.filter_type, c.out, c.in, c.rows, c.columns);

  cudnn_descriptor convolution{CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR};
  convolution.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
  convolution.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, CUDNN_CROSS_CORRELATION);
  convolution.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, {2});
  convolution.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, {c.padding, c.padding});
  convolution.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, {c.padding, c.padding});
  convolution.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, {c.stride, c.stride});
  convolution.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, {1, 1});

  const convolution_attributes attributes = attributes_of(c.pass);
  cudnn_descriptor operation{attributes.kind};
  operation.set(attributes.convolution, graph.keep(std::move(convolution)));
  operation.set(attributes.images, images);
  operation.set(attributes.results, results);
  operation.set(attributes.filters, filters);
  operation.set(attributes.alpha, CUDNN_TYPE_FLOAT, 1.0f);
  operation.set(attributes.beta, CUDNN_TYPE_FLOAT, c.accumulates ? 1.0f : 0.0f);
  graph.add(std::move(operation));
  if (c.sums) {
    cudnn_descriptor statistics{CUDNN_BACKEND_OPERATION_GEN_STATS_DESCRIPTOR};
    statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MODE, CUDNN_TYPE_GENSTATS_MODE, CUDNN_GENSTATS_SUM_SQSUM);
    statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_MATH_PREC, CUDNN_TYPE_DATA_TYPE, CUDNN_DATA_FLOAT);
    statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_XDESC, results);
    statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_SUMDESC, tensor(sum_name, CUDNN_DATA_FLOAT, 1, c.out, 1, 1));
    statistics.set(CUDNN_ATTR_OPERATION_GENSTATS_SQSUMDESC,
                   tensor(square_sum_name, CUDNN_DATA_FLOAT, 1, c.out, 1, 1));
    graph.add(std::move(statistics));
  }
  return std::move(graph).finish(handle);
}

/// The convolution's name among the choices of plans.
inline std::string name_of(const cudnn_convolution& c) {
  const auto type = [](cudnnDataType_t of) { return of == CUDNN_DATA_BFLOAT16 ? " bfloat16" : " float32"; };
  return str_cat(c.pass == convolution_pass::forward ? "convolution"
                 : c.pass == convolution_pass::data  ? "convolution's gradient of images"
                                                     : "convolution's gradient of weights",
                 " ", c.batch, "x", c.height, "x", c.width, "x", c.in, " to ", c.out_height, "x", c.out_width,
                 "x", c.out, " by ", c.rows, "x", c.columns, " stride ", c.stride, " padding ", c.padding,
                 type(c.type), type(c.filter_type), c.accumulates ? ", added" : "",
                 c.sums ? ", with sums" : "");
}

/// The tensor that the operation adds to, with its bytes; 0 bytes if it stores its result.
struct added_tensor {
  std::int64_t name = 0;
  std::size_t bytes = 0;
};
inline added_tensor added_to(const cudnn_convolution& c) {
  if (!c.accumulates) return {};
  const auto type = c.pass == convolution_pass::weights ? c.filter_type : c.type;
  const auto bytes = [&](std::int64_t elements) {
    return static_cast<std::size_t>(elements * (type == CUDNN_DATA_BFLOAT16 ? 2 : 4));
  };
  if (c.pass == convolution_pass::forward)
    return {result_name, bytes(c.batch * c.out_height * c.out_width * c.out)};
  if (c.pass == convolution_pass::data) return {image_name, bytes(c.batch * c.height * c.width * c.in)};
  return {filter_name, bytes(c.out * c.rows * c.columns * c.in)};
}

/// The bytes of workspace that a plan may use: 64 MiB, or half of the images and results if that is more.
inline std::size_t max_workspace(const cudnn_convolution& c) {
  const std::int64_t elements = c.batch * (c.height * c.width * c.in + c.out_height * c.out_width * c.out);
  const std::int64_t bytes = c.type == CUDNN_DATA_BFLOAT16 ? 2 : 4;
  return std::max(std::size_t{64} << 20, static_cast<std::size_t>(elements * bytes / 2));
}

/// How many of its proposals are timed: for sums, cuDNN compiles each.
inline std::size_t most_timed(const cudnn_convolution& c) { return c.sums ? 2 : max_timed_proposals; }

}  // namespace pretext::inline v0_1::detail
